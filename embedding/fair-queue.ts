/** The texts of one call, in order. */
export interface Lane<T> {
  push(item: T): void
  /** Puts an item before all others of its lane: one that is tried again. */
  putBack(item: T): void
  /** Forgets what still waits here. */
  clear(): void
}

export interface FairQueue<T> {
  lane(): Lane<T>
  /** Takes the next item: lanes take turns, so a question does not wait behind the thousands of an ingestion. */
  next(): T | undefined
  readonly size: number
  /** Takes everything that waits. */
  drain(): T[]
}

export function fairQueue<T>(): FairQueue<T> {
  /** Lanes with something in them, the one whose turn is next first. `head` spares shifting long arrays. */
  let waiting: { items: T[]; head: number }[] = []
  let size = 0

  function lane(): Lane<T> {
    const own = { items: [] as T[], head: 0 }
    const added = (): void => {
      size++
      if (own.items.length - own.head === 1) waiting.push(own)
    }
    return {
      push(item) {
        own.items.push(item)
        added()
      },
      putBack(item) {
        own.items.splice(own.head, 0, item)
        added()
      },
      clear() {
        size -= own.items.length - own.head
        own.items = []
        own.head = 0
        waiting = waiting.filter((other) => other !== own)
      },
    }
  }

  function next(): T | undefined {
    const turn = waiting.shift()
    if (!turn) return undefined
    const item = turn.items[turn.head++]
    size--
    if (turn.head < turn.items.length) waiting.push(turn)
    else {
      turn.items = []
      turn.head = 0
    }
    return item
  }

  return {
    lane,
    next,
    get size() {
      return size
    },
    drain() {
      const all: T[] = []
      for (let item = next(); item !== undefined; item = next()) all.push(item)
      return all
    },
  }
}
