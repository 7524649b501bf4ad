import { DatabaseUnavailable } from '../db/errors.ts'

/** The embedded database is back within 5 s of a kill, a server after its restart: four times that is waited. */
const longestMs = 20_000

interface Patience<T> {
  signal?: AbortSignal | undefined
  /** What the work would have returned, when a later attempt's error shows that an earlier one was carried out. */
  carriedOut?: (error: unknown) => Promise<{ value: T } | null>
}

/** Does the work again while the database is away. */
export async function patiently<T>(
  work: () => Promise<T>,
  { signal, carriedOut }: Patience<T> = {},
): Promise<T> {
  const start = performance.now()
  for (let pause = 100, attempt = 1; ; pause = Math.min(2 * pause, 1000), attempt++) {
    try {
      return await work()
    } catch (error) {
      const done = attempt > 1 ? await carriedOut?.(error) : null
      if (done) return done.value
      const waited = performance.now() - start + pause
      if (!(error instanceof DatabaseUnavailable) || signal?.aborted || waited > longestMs) throw error
    }
    await Bun.sleep(pause)
  }
}
