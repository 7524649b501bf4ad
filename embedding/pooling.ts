/**
 * The mean of a text's token vectors, scaled to length 1, as the model was trained (sentence-transformers).
 *
 * `states` holds `tokens` rows of `dimensions` numbers, none of them padding. Summed in double precision.
 */
export function meanPooled(states: Float32Array, tokens: number, dimensions: number): Float32Array {
  const sum = new Float64Array(dimensions)
  for (let token = 0; token < tokens; token++) {
    const row = token * dimensions
    for (let d = 0; d < dimensions; d++) sum[d] = (sum[d] ?? 0) + (states[row + d] ?? 0)
  }
  let squares = 0
  for (const value of sum) squares += value * value
  const length = Math.sqrt(squares)
  if (!(length > 0)) throw new Error(`The model returned a vector of length ${length} for ${tokens} tokens.`)
  return Float32Array.from(sum, (value) => value / length)
}
