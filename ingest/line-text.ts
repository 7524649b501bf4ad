import type { IngestLine, Totals } from '../db/jobs.ts'

/** A line of the ingestion for people, of one line whatever the file is called. */
export function lineText({ file, status, reason, warnings, passages }: IngestLine): string {
  const size =
    passages > 0 || status === 'added' || status === 'replaced' ? `, ${counted(passages, 'passage')}` : ''
  const remarks = [...(reason ? [reason] : []), ...warnings.map((warning) => `warning: ${warning}`)]
  return `${status.padEnd(9)} ${printableName(file)}${size}${remarks.map((remark) => `\n          ${remark}`).join('')}`
}

export function totalsText(totals: Totals, { stopped = false, dryRun = false } = {}): string {
  const parts = (['added', 'replaced', 'moved', 'unchanged', 'removed', 'skipped', 'failed'] as const)
    .filter((status) => totals[status] > 0)
    .map((status) => `${totals[status].toLocaleString('en')} ${status}`)
  const what = `${counted(totals.files, 'file')}: ${parts.join(', ') || 'nothing to do'}`
  const work = `${counted(totals.passages, 'passage')} written, ${totals.embedded.toLocaleString('en')} embedded, in ${duration(totals.ms)}`
  if (dryRun) return `Dry run, nothing was written. ${what}, in ${duration(totals.ms)}.`
  return `${stopped ? 'Stopped; run it again to go on. ' : ''}${what}. ${work}.`
}

/**
 * A file name that can be printed anywhere: line ends, control characters, what turns the direction of text around and
 * what is invisible are shown as escapes.
 */
export function printableName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => {
    if (letter === '\n') return '\\n'
    if (letter === '\u200D') return letter // holds emoji together
    return `\\u{${letter.codePointAt(0)?.toString(16)}}`
  })
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function counted(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
}
