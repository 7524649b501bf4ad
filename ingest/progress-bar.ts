import { duration, printableName } from './line-text.ts'
import type { Progress } from './report.ts'

export interface ProgressBar {
  show(progress: Progress): void
  /** Prints a line that stays, above the bar. */
  above(line: string): void
  clear(): void
}

/** Drawn at most so often: a terminal over a slow line must not slow the work down. */
const everyMs = 100
const barWidth = 24

/** One line at the bottom of a terminal; when `drawn` is false only the lines that stay are written. */
export function openProgressBar(out: NodeJS.WriteStream, drawn: boolean): ProgressBar {
  const started = performance.now()
  let last: Progress | null = null
  let drawnAt = Number.NEGATIVE_INFINITY
  let isThere = false

  function clear(): void {
    if (isThere) out.write('\r\x1b[K')
    isThere = false
  }

  function draw(progress: Progress): void {
    const columns = Math.max(20, (out.columns || 80) - 1)
    out.write(`\r\x1b[K${progressText(progress, performance.now() - started, columns)}`)
    isThere = true
    drawnAt = performance.now()
  }

  return {
    show(progress) {
      last = progress
      if (drawn && performance.now() - drawnAt >= everyMs) draw(progress)
    },
    above(line) {
      clear()
      out.write(`${line}\n`)
      if (drawn && last) draw(last)
    },
    clear,
  }
}

/** `███░░░ 120/1,400 files · 78 passages/s · 16 s left · docs/a.md`, in at most `columns` columns. */
export function progressText(progress: Progress, elapsedMs: number, columns: number): string {
  const { files, total, bytes, totalBytes, passages, file } = progress
  // Bytes tell better than files how much is left, unless all files are empty.
  const part = totalBytes > 0 ? bytes / totalBytes : total > 0 ? files / total : 1
  const full = Math.round(part * barWidth)
  const pieces = [`${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${counts(files)}/${counts(total)} files`]
  if (passages > 0 && elapsedMs > 0) pieces.push(`${Math.round(passages / (elapsedMs / 1000))} passages/s`)
  if (part > 0.01 && part < 1) pieces.push(`${duration((elapsedMs / part) * (1 - part))} left`)
  const text = pieces.join(' · ')
  const room = columns - text.length - 3
  return room < 8 ? text.slice(0, columns) : `${text} · ${shortened(printableName(file), room)}`
}

function counts(n: number): string {
  return n.toLocaleString('en')
}

/** The end of a path tells more than its beginning. */
function shortened(name: string, room: number): string {
  const letters = Array.from(name)
  return letters.length <= room ? name : `…${letters.slice(letters.length - room + 1).join('')}`
}
