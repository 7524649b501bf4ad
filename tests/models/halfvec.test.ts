import { expect, test } from 'bun:test'
import { toHalfvec } from '../../embedding/halfvec.ts'

test('a vector reads back as its halves', () => {
  expect(toHalfvec(Float32Array.of(0, 1, -0.5, 0.1))).toBe('[0,1,-0.5,0.099976]')
  const values = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * i) * 10 ** ((i % 9) - 7))
  const read = JSON.parse(toHalfvec(values)) as number[]
  for (const [i, value] of values.entries())
    expect(Math.f16round(read[i] ?? Number.NaN) === Math.f16round(value)).toBe(true)
})

test('every half there is survives', () => {
  const halves = new Float16Array(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits).buffer)
  const read = JSON.parse(toHalfvec(Float32Array.from(halves))) as number[]
  for (const [i, half] of halves.entries())
    if (Math.f16round(read[i] ?? Number.NaN) !== half) throw new Error(`${half}`)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, 70_000])('%p is refused', (value) => {
  expect(() => toHalfvec(Float32Array.of(0.5, value))).toThrow(/Number 1 of the vector is/)
})
