/**
 * How many threads evaluate fastest here, found by trying, and tried again while the machine's other work comes and
 * goes. Assumed counts fail badly: with two threads on two busy cores each waits for the other at every barrier
 * (measured, llama.cpp 0.5.0, Qwen3-0.6B shape: 3 tokens/s with two threads, 45 with one, in the same minute).
 */

export interface ThreadTuner {
  /** For the next step. */
  readonly threads: number
  /** How long a step took; only steps of the same width are compared. */
  observe(width: number, ms: number): void
}

export interface TunerSettings {
  /** Counts that may be tried, ascending. */
  candidates: number[]
  /** Milliseconds on a monotonic clock. */
  now: () => number
}

/** A count that was right is left alone for so long; after each trial that failed for twice as long. */
const trialPauseMs = 30_000
const longestPauseMs = 600_000
/**
 * Steps that decide, by their mean: a machine that takes a core away now and then shows in a few long steps, not in
 * the usual ones (seen on a shared host: two threads 36 ms by the median and 137 by the mean, one thread 29 and 39).
 */
const decisive = 12
/** How much faster a trial must be: each thread more is a core less for everything else. */
const faster = 0.9
/** A trial ends early once it has taken this many times what its steps should: somebody waits for the next token. */
const hopeless = 2
/** The mean has grown so much: the machine has changed. */
const muchSlower = 1.6

/** 1, 2, 4 … and all of the cores, and one less. */
export function threadCandidates(cores: number): number[] {
  const powers = [1, 2, 4, 8, 16, 32, 64, 128].filter((count) => count < cores)
  return [...new Set([...powers, Math.max(1, cores - 1), cores])].toSorted((a, b) => a - b)
}

/**
 * The count with the shortest steps, by the mean of five. A larger one must be 3 % faster to be taken.
 * @param time evaluates one step with so many threads; milliseconds
 */
export async function fastestThreads(
  cores: number,
  time: (threads: number) => Promise<number>,
): Promise<number> {
  let best = { threads: 1, ms: Number.POSITIVE_INFINITY }
  for (const threads of threadCandidates(cores)) {
    await time(threads) // the first with another count wakes threads up
    let ms = 0
    for (let i = 0; i < 5; i++) ms += (await time(threads)) / 5
    if (ms < best.ms * 0.97) best = { threads, ms }
    // Every further count only adds waiting.
    else if (ms > best.ms * 4) break
  }
  return best.threads
}

/** Keeps the count right while it is used. */
export function tuneThreads(first: number, { candidates, now }: TunerSettings): ThreadTuner {
  let chosen = first
  let trial: { threads: number; ratios: number[] } | null = null
  /** Of steps with the chosen count, by width: the mean of the last ones, the best mean, and how many there were. */
  let usual = new Map<number, { mean: number; best: number; seen: number }>()
  let pauseMs = trialPauseMs
  let trialAt = now() + pauseMs
  let upwards = true

  function observeTrial(of: NonNullable<typeof trial>, width: number, ms: number): void {
    const known = usual.get(width)
    if (known === undefined) return
    of.ratios.push(ms / known.mean)
    const sum = of.ratios.reduce((total, ratio) => total + ratio, 0)
    if (of.ratios.length < decisive && sum < decisive * hopeless * 0.5) return
    trial = null
    if (of.ratios.length >= decisive && sum / of.ratios.length < faster) {
      chosen = of.threads
      usual = new Map()
      pauseMs = trialPauseMs
    } else {
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      upwards = !upwards
      // What the mean is now is what it is: the machine may have changed for good.
      for (const one of usual.values()) one.best = one.mean
    }
    trialAt = now() + pauseMs
  }

  function begin(up: boolean): void {
    const at = candidates.indexOf(chosen)
    const threads = candidates[at + (up ? 1 : -1)] ?? candidates[at + (up ? -1 : 1)]
    if (threads !== undefined) trial = { threads, ratios: [] }
  }

  return {
    get threads() {
      return trial?.threads ?? chosen
    },
    observe(width, ms) {
      if (trial !== null) return observeTrial(trial, width, ms)
      const known = usual.get(width) ?? { mean: ms, best: Number.POSITIVE_INFINITY, seen: 0 }
      usual.set(width, known)
      known.seen++
      known.mean += (ms - known.mean) / Math.min(known.seen, decisive)
      if (known.seen < decisive) return
      // Longer contexts make longer steps: the best is forgotten slowly.
      known.best = Math.min(known.mean, known.best * 1.002)
      if (known.mean > known.best * muchSlower) begin(false)
      else if (now() >= trialAt) begin(upwards)
    },
  }
}
