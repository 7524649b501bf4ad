/**
 * Numbers between limits, digit by digit. Integers have at most 16 digits and fractions 16, so that a model cannot
 * count for ever; limits with more digits are kept exactly all the same.
 */
import type { Limit } from './facts.ts'

/** A limit that the grammar cannot keep; the message completes the sentence "the minimum …". */
export class NumberRefused extends Error {
  override readonly name = 'NumberRefused'
  constructor(
    readonly keyword: 'minimum' | 'maximum',
    message: string,
  ) {
    super(message)
  }
}

const digits = 16
const anyInteger = `"0" | [1-9] [0-9]{0,${digits - 1}}`
const anyTail = `[0-9]{0,${digits - 1}}`
const anyFraction = `("." [0-9]{1,${digits}})?`

/** Whole numbers; null when there is none between the limits. @throws NumberRefused */
export function integerGrammar(above: Limit | null, below: Limit | null): string | null {
  if (!above && !below) return `"-"? (${anyInteger})`
  const low = above && wholeAbove(above, 'minimum')
  const high = below && -wholeAbove({ value: -below.value, open: below.open }, 'maximum')
  if (low !== null && high !== null && low > high) return null
  const parts: string[] = []
  if (high === null || high >= 0n) parts.push(...between(low === null || low < 0n ? 0n : low, high))
  if (low === null || low < 0n) {
    const magnitudes = between(high === null || high >= 0n ? 1n : -high, low === null ? null : -low)
    if (magnitudes.length > 0) parts.push(`"-" (${magnitudes.join(' | ')})`)
  }
  return parts.join(' | ')
}

/** The smallest whole number inside a lower limit. */
function wholeAbove({ value, open }: Limit, keyword: 'minimum' | 'maximum'): bigint {
  // Beyond 64 bits nobody means a number of things.
  if (Math.abs(value) > 2 ** 64) throw new NumberRefused(keyword, 'is beyond 64 bits')
  const whole = BigInt(Math.ceil(value))
  return open && Number.isInteger(value) ? whole + 1n : whole
}

/** Whole numbers from `low` ≥ 0 to `high`, without sign; without `high` as far as the digits go. */
function between(low: bigint, high: bigint | null): string[] {
  const end = high ?? 10n ** BigInt(Math.max(digits, String(low).length + 1)) - 1n
  if (low > end) return []
  const [from, to] = [String(low), String(end)]
  if (from.length === to.length) return sameLength(from, to)
  const parts = sameLength(from, '9'.repeat(from.length))
  const [shortest, longest] = [from.length, to.length - 2]
  if (longest >= shortest) parts.push(`[1-9] [0-9]{${shortest},${longest}}`)
  return [...parts, ...sameLength(`1${'0'.repeat(to.length - 1)}`, to)]
}

/** Digit strings of one length from `from` to `to`, in their order. */
function sameLength(from: string, to: string): string[] {
  if (from === to) return [`"${from}"`]
  const common = [...from].findIndex((digit, i) => digit !== to[i])
  const head = common > 0 ? `"${from.slice(0, common)}" ` : ''
  const [first, last] = [Number(from[common]), Number(to[common])]
  const [low, high] = [from.slice(common + 1), to.slice(common + 1)]
  const free = low.length > 0 ? ` [0-9]{${low.length}}` : ''
  // The first and the last digit are like those between when everything may follow them.
  const start = /^0*$/.test(low) ? first : first + 1
  const end = /^9*$/.test(high) ? last : last - 1
  const parts: string[] = []
  if (start > first) parts.push(`"${first}" (${sameLength(low, '9'.repeat(low.length)).join(' | ')})`)
  if (start <= end) parts.push(`[${start}-${end}]${free}`)
  if (end < last) parts.push(`"${last}" (${sameLength('0'.repeat(high.length), high).join(' | ')})`)
  return head === '' ? parts : [`${head}(${parts.join(' | ')})`]
}

/** Numbers with or without a fraction; between limits without an exponent. @throws NumberRefused */
export function numberGrammar(above: Limit | null, below: Limit | null): string | null {
  const low = reachable(above, 'minimum')
  const high = reachable(below, 'maximum')
  if (!above && !below) return `"-"? (${anyInteger}) ${anyFraction} ([eE] [-+]? [0-9]{1,2})?`
  const parts: string[] = []
  const zero = { value: 0, open: false }
  if (!high || high.value >= 0) parts.push(...magnitudes(!low || low.value < 0 ? zero : low, high))
  if (!low || low.value < 0) {
    const smallest = high && high.value <= 0 ? { value: -high.value, open: high.open } : zero
    const found = magnitudes(smallest, low && { value: -low.value, open: low.open })
    if (found.length > 0) parts.push(`"-" (${found.join(' | ')})`)
  }
  return parts.length > 0 ? parts.join(' | ') : null
}

/** Null for a limit that numbers of 16 digits never reach. */
function reachable(limit: Limit | null, keyword: 'minimum' | 'maximum'): Limit | null {
  if (!limit) return null
  const { value } = limit
  if (Math.abs(value) >= 1e16) {
    if (keyword === 'minimum' ? value < 0 : value > 0) return null
    throw new NumberRefused(keyword, 'is beyond 16 digits')
  }
  // Below it JavaScript writes an exponent, and nobody means a limit so fine.
  if (value !== 0 && Math.abs(value) < 1e-6) throw new NumberRefused(keyword, 'is closer to 0 than 0.000001')
  return limit
}

function magnitudes(low: Limit, high: Limit | null): string[] {
  const [lowWhole = '0', lowDigits = ''] = String(low.value).split('.')
  const lowEnd = { digits: lowDigits, open: low.open }
  const [from, parts] = [BigInt(lowWhole), [] as string[]]
  const add = (whole: bigint, fraction: string | null) => {
    if (fraction !== null) parts.push(`"${whole}" ${fraction}`)
  }
  if (!high) {
    add(from, fractionBetween(lowEnd, null))
    return [...parts, `(${between(from + 1n, null).join(' | ')}) ${anyFraction}`]
  }
  const [highWhole = '0', highDigits = ''] = String(high.value).split('.')
  const [to, highEnd] = [BigInt(highWhole), { digits: highDigits, open: high.open }]
  if (from > to) return []
  if (from === to) {
    add(from, fractionBetween(lowEnd, highEnd))
    return parts
  }
  add(from, fractionBetween(lowEnd, null))
  const whole = between(from + 1n, to - 1n)
  if (whole.length > 0) parts.push(`(${whole.join(' | ')}) ${anyFraction}`)
  add(to, fractionBetween(null, highEnd))
  return parts
}

interface End {
  digits: string
  open: boolean
}

/** What follows the whole part: nothing, or a point and digits; null when neither fits. */
function fractionBetween(low: End | null, high: End | null): string | null {
  const { texts, empty } = tails(low, high)
  if (texts.length === 0) return empty ? '' : null
  return empty ? `("." (${texts.join(' | ')}))?` : `"." (${texts.join(' | ')})`
}

/** Digit strings, zeros added at their end as needed, from `low` to `high`: those that are not empty, and whether it may be. */
function tails(low: End | null, high: End | null): { texts: string[]; empty: boolean } {
  const empty = !(low && (low.digits !== '' || low.open)) && !(high && high.digits === '' && high.open)
  const lower = low && low.digits === '' && !low.open ? null : low
  if (!lower && !high) return { texts: [`[0-9] ${anyTail}`], empty }
  if (high?.digits === '') return { texts: empty ? [`"0" "0"{0,${digits - 1}}`] : [], empty }
  if (lower?.digits === '' && !high) return { texts: [`"0"{0,${digits - 1}} [1-9] ${anyTail}`], empty }
  const [first, last] = [Number(lower?.digits[0] ?? 0), Number(high?.digits[0] ?? 9)]
  const texts: string[] = []
  const [start, end] = [lower ? first + 1 : first, high ? last - 1 : last]
  const under = (digit: number, tail: { texts: string[]; empty: boolean }) => {
    if (tail.texts.length > 0) texts.push(`"${digit}" (${tail.texts.join(' | ')})${tail.empty ? '?' : ''}`)
    else if (tail.empty) texts.push(`"${digit}"`)
  }
  const lowRest = lower && { digits: lower.digits.slice(1), open: lower.open }
  const highRest = high && { digits: high.digits.slice(1), open: high.open }
  if (lower && high && first === last) under(first, tails(lowRest, highRest))
  else if (!lower || !high || first < last) {
    if (lower) under(first, tails(lowRest, null))
    if (start <= end) texts.push(`[${start}-${end}] ${anyTail}`)
    if (high) under(last, tails(null, highRest))
  }
  return { texts, empty }
}
