/** Requests that wait for a slot: first come, first served, bounded in number and in tokens. */
import { EngineError } from '../types.ts'

export interface Waiting {
  /** Tokens it may take: its prompt and its longest answer. */
  readonly cost: number
  /** Tells its place when that changes; 1 is next. */
  placed(place: number): void
}

export interface Queue<T extends Waiting> {
  readonly size: number
  readonly tokens: number
  /** In the order in which they are served. */
  items(): T[]
  /**
   * Whether one more may come. @param coming requests that were let in and are not here yet
   * @param free slots; who takes one of them does not wait
   * @throws EngineError `overloaded`
   */
  checkRoom(coming: number, free: number): void
  /** @param free slots @throws EngineError `overloaded` */
  add(item: T, free: number): void
  /** Puts one that was tried before all others: it has waited already. Never refused. */
  putBack(item: T): void
  /** False when it does not wait. */
  remove(item: T): boolean
  /** Tells everybody whose place has changed. */
  announce(): void
  drain(): T[]
  /** A request has ended: what is measured for `Retry-After`. */
  ended(): void
}

export interface QueueCapacity {
  requests: number
  tokens: number
}

/** Without a measurement, for a queue of four. */
const unmeasuredSeconds = 5
/** A client that is sent away for longer than this had better not come back by itself. */
const mostSeconds = 60
/** Endings that the rate is measured over, and how old they may be. */
const measured = 32
const measuredMs = 60_000

/** @param now monotonic, in milliseconds */
export function openQueue<T extends Waiting>(
  capacity: QueueCapacity,
  now: () => number = () => performance.now(),
): Queue<T> {
  let waiting: T[] = []
  let told = new Map<T, number>()
  let tokens = 0
  let endings: number[] = []

  /** Seconds after which what waits now will have begun, at the rate of the last endings. */
  function retryAfter(): number {
    const since = now() - measuredMs
    endings = endings.filter((at) => at >= since)
    const [first] = endings
    const seconds = first === undefined ? 0 : (now() - first) / 1000
    // One ending has no rate.
    const each = endings.length < 2 || seconds <= 0 ? unmeasuredSeconds / 4 : seconds / endings.length
    return Math.min(mostSeconds, Math.max(1, Math.ceil(each * Math.max(1, waiting.length))))
  }

  function overloaded(limit: string): EngineError {
    const seconds = retryAfter()
    return new EngineError(
      'overloaded',
      `The model is busy: ${waiting.length} requests are waiting, ${limit}. Try again in ${seconds} s.`,
      seconds,
    )
  }

  function checkRoom(coming: number, free: number): void {
    if (waiting.length + coming >= capacity.requests + free)
      throw overloaded(`and no more than ${capacity.requests} may wait`)
  }

  return {
    get size() {
      return waiting.length
    },
    get tokens() {
      return tokens
    },
    items: () => [...waiting],
    checkRoom,
    add(item, free) {
      checkRoom(0, free)
      // An empty queue takes any request that fits the context, however small its bound was set.
      if (waiting.length > free && tokens + item.cost > capacity.tokens)
        throw overloaded(`with ${tokens} tokens of at most ${capacity.tokens}`)
      waiting.push(item)
      tokens += item.cost
    },
    putBack(item) {
      waiting.unshift(item)
      tokens += item.cost
    },
    remove(item) {
      const index = waiting.indexOf(item)
      if (index < 0) return false
      waiting.splice(index, 1)
      told.delete(item)
      tokens -= item.cost
      return true
    },
    announce() {
      for (const [index, item] of waiting.entries()) {
        if (told.get(item) === index + 1) continue
        told.set(item, index + 1)
        item.placed(index + 1)
      }
    },
    drain() {
      const all = waiting
      waiting = []
      told = new Map()
      tokens = 0
      return all
    },
    ended() {
      endings.push(now())
      if (endings.length > measured) endings.shift()
    },
  }
}
