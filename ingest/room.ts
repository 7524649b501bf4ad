/** A number of places that work must hold while it is under way: first come, first served. */
export interface Room {
  /** Waits for `places` of them; whoever wants more than there are gets them all. */
  take(places: number): Promise<void>
  give(places: number): void
}

export function openRoom(size: number): Room {
  let free = size
  const waiting: { places: number; enter: () => void }[] = []

  function admit(): void {
    for (let next = waiting[0]; next && next.places <= free; next = waiting[0]) {
      free -= next.places
      waiting.shift()
      next.enter()
    }
  }

  return {
    take(places) {
      return new Promise((enter) => {
        waiting.push({ places: Math.min(places, size), enter })
        admit()
      })
    },
    give(places) {
      free += Math.min(places, size)
      admit()
    },
  }
}
