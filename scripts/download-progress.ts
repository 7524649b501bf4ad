/** How a download gets on: bytes, rate and the time left, on stderr. */
import { amount } from './amount.ts'

/** A line of a log every ten seconds; at a terminal one line that changes. */
const logEveryMs = 10_000
const drawEveryMs = 200
/** The rate is that of the last ten seconds: a pause shows, a hiccup does not. */
const windowMs = 10_000

export interface DownloadProgress {
  show(done: number, total: number): void
  /** Ends the line, so that what follows begins on one of its own. */
  end(): void
}

/** @param now milliseconds, monotonic */
export function followDownload(
  out: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
  now: () => number = () => performance.now(),
): DownloadProgress {
  const seen: { at: number; done: number }[] = []
  let drawn = Number.NEGATIVE_INFINITY
  let open = false
  return {
    show(done, total) {
      const at = now()
      if (at - drawn < (out.isTTY ? drawEveryMs : logEveryMs) && done < total) return
      drawn = at
      seen.push({ at, done })
      while (seen.length > 2 && at - (seen[0]?.at ?? at) > windowMs) seen.shift()
      const line = progressLine(done, total, rateOf(seen))
      out.write(out.isTTY ? `\r${line}\x1b[K` : `${line}\n`)
      open = out.isTTY === true
    },
    end() {
      if (open) out.write('\n')
      open = false
    },
  }
}

/** Bytes a second between the first and the last look; null when there was one alone. */
function rateOf(seen: { at: number; done: number }[]): number | null {
  const [first] = seen
  const last = seen.at(-1)
  if (first === undefined || last === undefined || last.at === first.at) return null
  return ((last.done - first.done) / (last.at - first.at)) * 1000
}

/** `123 MB of 1.1 GB, 11 %, 24 MB/s, 41 s left` */
export function progressLine(done: number, total: number, rate: number | null): string {
  const parts = [`${amount(done)} of ${amount(total)}`, `${Math.floor((done / total) * 100)} %`]
  if (rate !== null && done < total) {
    parts.push(`${amount(rate)}/s`)
    if (rate > 0) parts.push(`${duration((total - done) / rate)} left`)
  }
  return parts.join(', ')
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
