/**
 * How many requests should share one decode. On a card all of them; on a CPU few are often slower together than one
 * after the other (measured, Qwen3-0.6B shape, Q4_K_M, one thread of an EPYC: one token 23 ms, four at once 116 ms,
 * sixteen 223 ms), because the kernels for many rows begin to pay late. So the widths are measured and compared.
 */

/** Milliseconds of one step with a token for each of so many requests. */
export type StepCosts = ReadonlyMap<number, number>

/** Requests that share a step when so many write: the measured width with the least time a token. */
export function bestWidth(costs: StepCosts, writers: number): number {
  let best = { width: 0, each: Number.POSITIVE_INFINITY }
  for (const [width, ms] of costs) {
    if (width <= writers && ms / width < best.each) best = { width, each: ms / width }
  }
  const widest = Math.max(0, ...costs.keys())
  // Beyond what was measured more is better: that is what batching is for.
  return best.width === 0 || best.width === widest ? writers : best.width
}
