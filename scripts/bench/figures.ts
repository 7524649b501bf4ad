/** How benchmarks print: what they expect, what was set, then figures and the ratios that alone mean something. */
import { cpus } from 'node:os'

export function heading(name: string, hypothesis: string, knobs: Record<string, string | number>): void {
  console.log(`${name}\n  hypothesis: ${hypothesis}`)
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Bun ${Bun.version}`
  console.log(`  machine: ${machine}`)
  for (const [knob, value] of Object.entries(knobs)) console.log(`  ${knob}: ${value}`)
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function figure(name: string, value: string, limit?: { holds: boolean; text: string }): void {
  const verdict = limit === undefined ? '' : `   ${limit.holds ? 'holds' : 'DOES NOT HOLD'}: ${limit.text}`
  console.log(`  ${name.padEnd(34)} ${value}${verdict}`)
}

export const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`
