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
/** Steps that a trial takes, and how much faster it must be: each thread more is a core less for everything else. */
const trialSteps = 4
const faster = 0.9
/** A trial that is this much slower ends with its first step: somebody waits for the next token. */
const hopeless = 1.25
/** One slow step is another program's, so many in a row are a machine that has changed. */
const slowSteps = 8
const muchSlower = 2

/** 1, 2, 4 … and all of the cores, and one less. */
export function threadCandidates(cores: number): number[] {
  const powers = [1, 2, 4, 8, 16, 32, 64, 128].filter((count) => count < cores)
  return [...new Set([...powers, Math.max(1, cores - 1), cores])].toSorted((a, b) => a - b)
}

/**
 * The count with the shortest step. A larger one must be 3 % faster to be taken.
 * @param time evaluates one step of one token with so many threads; milliseconds
 */
export async function fastestThreads(
  cores: number,
  time: (threads: number) => Promise<number>,
): Promise<number> {
  let best = { threads: 1, ms: Number.POSITIVE_INFINITY }
  for (const threads of threadCandidates(cores)) {
    await time(threads) // the first with another count wakes threads up
    const ms = Math.min(await time(threads), await time(threads), await time(threads))
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
  /** Milliseconds of a step with the chosen count, by width. */
  let usual = new Map<number, number>()
  let slow = 0
  let pauseMs = trialPauseMs
  let trialAt = now() + pauseMs
  let upwards = true

  function observeTrial(of: NonNullable<typeof trial>, width: number, ms: number): void {
    const before = usual.get(width)
    if (before === undefined) return
    of.ratios.push(ms / before)
    const mean = of.ratios.reduce((sum, ratio) => sum + ratio, 0) / of.ratios.length
    // The first step wakes threads up, so it alone proves nothing but a disaster.
    const over = ms > before * hopeless * (of.ratios.length === 1 ? 2 : 1)
    if (!over && of.ratios.length < trialSteps) return
    if (!over && mean < faster) {
      chosen = of.threads
      usual = new Map()
      pauseMs = trialPauseMs
    } else {
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      upwards = !upwards
    }
    trial = null
    slow = 0
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
      const before = usual.get(width)
      // Its best time, forgotten slowly: longer contexts make longer steps.
      usual.set(width, before === undefined ? ms : Math.min(ms, before * 1.005))
      if (before === undefined) return
      slow = ms > before * muchSlower ? slow + 1 : 0
      if (slow >= slowSteps) {
        // What is slow now is what a trial has to beat.
        usual = new Map([[width, ms]])
        begin(false)
      } else if (now() >= trialAt) begin(upwards)
    },
  }
}
