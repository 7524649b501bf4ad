/** How the engine's count of threads follows the machine, on a clock and a machine of the test's own. */
import { describe, expect, test } from 'bun:test'
import { fastestThreads, threadCandidates, tuneThreads } from '../../llm-service/engine/threads.ts'

/** Steps until `until` ms have passed; `cost` is what a step takes with so many threads. */
function machine(first: number, cores: number) {
  let time = 0
  const tuner = tuneThreads(first, { candidates: threadCandidates(cores), now: () => time })
  return {
    tuner,
    run(ms: number, cost: (threads: number) => number): number {
      const end = time + ms
      let steps = 0
      while (time < end) {
        const took = cost(tuner.threads)
        time += took
        tuner.observe(1, took)
        steps++
      }
      return steps
    },
  }
}

const quiet = (threads: number) => 40 / threads
/** Each thread waits for the others, which wait for a core. */
const busy = (threads: number) => (threads === 1 ? 45 : 300 * threads)

describe('threads', () => {
  test('are tried from one to all cores', () => {
    expect(threadCandidates(1)).toEqual([1])
    expect(threadCandidates(2)).toEqual([1, 2])
    expect(threadCandidates(6)).toEqual([1, 2, 4, 5, 6])
  })

  test('the fastest is chosen at the start', async () => {
    expect(await fastestThreads(4, async (threads) => quiet(threads))).toBe(4)
    expect(await fastestThreads(4, async (threads) => busy(threads))).toBe(1)
    // 1 % is not worth a core.
    expect(await fastestThreads(2, async (threads) => (threads === 2 ? 39.6 : 40))).toBe(1)
  })

  test('become fewer within seconds when the machine gets busy', () => {
    const { tuner, run } = machine(2, 2)
    run(5_000, quiet)
    expect(tuner.threads).toBe(2)
    run(8_000, busy)
    expect(tuner.threads).toBe(1)
  })

  test('become more again when the machine gets quiet', () => {
    const { tuner, run } = machine(1, 2)
    run(20_000, busy)
    expect(tuner.threads).toBe(1)
    run(150_000, quiet)
    expect(tuner.threads).toBe(2)
  })

  test('trials on a busy machine cost little and become rare', () => {
    const { run } = machine(1, 2)
    const steps = run(1_200_000, busy)
    expect(steps).toBeGreaterThan((1_200_000 / 45) * 0.98)
  })

  test('are judged by the mean where a core is taken away now and then', () => {
    const { tuner, run } = machine(2, 2)
    let step = 0
    // Two threads are faster in nine steps of ten.
    run(120_000, (threads) => (threads === 1 ? 40 : ++step % 10 === 0 ? 600 : 25))
    expect(tuner.threads).toBe(1)
  })

  test('stay as they are where nothing else can be tried', () => {
    const { tuner, run } = machine(1, 1)
    run(100_000, quiet)
    expect(tuner.threads).toBe(1)
  })
})
