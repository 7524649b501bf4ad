import { describe, expect, test } from 'bun:test'
import { duration, lineText, printableName, totalsText } from '../../ingest/line-text.ts'
import { progressText } from '../../ingest/progress-bar.ts'

const progress = {
  files: 120,
  total: 1400,
  passages: 160,
  bytes: 10,
  totalBytes: 100,
  file: 'docs/garden/welcome.md',
}

describe('the progress bar', () => {
  test('shows files, rate, time left and the file', () => {
    const text = progressText(progress, 2000, 120)
    expect(text).toBe(
      `${'█'.repeat(2)}${'░'.repeat(22)} 120/1,400 files · 80 passages/s · 18 s left · docs/garden/welcome.md`,
    )
  })

  test('never is wider than the terminal, and keeps the end of a long path', () => {
    const long = { ...progress, file: `${'deep/'.repeat(60)}end.md` }
    for (const columns of [20, 60, 80, 100, 200])
      expect(Array.from(progressText(long, 2000, columns)).length).toBeLessThanOrEqual(columns)
    expect(progressText(long, 2000, 100)).toEndWith('end.md')
  })

  test('survives a run of empty files', () => {
    expect(progressText({ ...progress, bytes: 0, totalBytes: 0, passages: 0 }, 0, 80)).toContain('120/1,400')
  })
})

describe('lines for people', () => {
  test('say why, and what to be careful of', () => {
    const line = {
      file: 'a.txt',
      status: 'failed' as const,
      reason: 'empty: nothing',
      warnings: [],
      document: null,
      passages: 0,
      ms: 1,
    }
    expect(lineText(line)).toBe('failed    a.txt\n          empty: nothing')
    expect(lineText({ ...line, status: 'added', reason: null, warnings: ['odd'], passages: 1 })).toBe(
      'added     a.txt, 1 passage\n          warning: odd',
    )
  })

  test('a file name cannot move the cursor, break the line or turn it around', () => {
    expect(printableName('a\nb\x1B[2Jc\u202Ed\u200Be.md')).toBe('a\\nb\\u{1b}[2Jc\\u{202e}d\\u{200b}e.md')
    expect(printableName('Grüße 👩‍👩‍👧 図.md')).toBe('Grüße 👩‍👩‍👧 図.md')
  })

  test('totals and durations', () => {
    const totals = {
      files: 3,
      added: 2,
      replaced: 0,
      moved: 0,
      unchanged: 0,
      removed: 0,
      skipped: 0,
      failed: 1,
      passages: 1200,
      embedded: 1100,
      ms: 83_000,
    }
    expect(totalsText(totals)).toBe(
      '3 files: 2 added, 1 failed. 1,200 passages written, 1,100 embedded, in 1 min 23 s.',
    )
    expect(totalsText({ ...totals, added: 0, moved: 1, removed: 4 }, { dryRun: true })).toBe(
      'Dry run, nothing was written. 3 files: 1 moved, 4 removed, 1 failed, in 1 min 23 s.',
    )
    expect(totalsText(totals, { stopped: true })).toStartWith('Stopped; run it again to go on.')
    expect([duration(400), duration(59_000), duration(7_500_000)]).toEqual(['0.4 s', '59 s', '2 h 5 min'])
  })
})
