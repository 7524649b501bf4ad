/** The events of one request on their way from its worker to whoever reads them, at the reader's pace. */
import type { EngineEvent, ServiceEvent } from '../types.ts'

export interface Inbox {
  /** Only the latest place is kept. */
  placed(place: number): void
  push(event: EngineEvent): void
  /** The reading ends with this error, at once. */
  fail(error: unknown): void
  /** The next event; text that came meanwhile is one event, so a slow reader holds no more than the answer. */
  read(): Promise<ServiceEvent>
}

export function openInbox(): Inbox {
  let place: number | null = null
  const events: EngineEvent[] = []
  let failure: { error: unknown } | null = null
  let wake: (() => void) | null = null

  function changed(): void {
    wake?.()
    wake = null
  }

  function take(): ServiceEvent | null {
    if (failure !== null) throw failure.error
    const event = events.shift()
    if (event !== undefined) return event
    if (place === null) return null
    const queued: ServiceEvent = { type: 'queued', place }
    place = null
    return queued
  }

  return {
    placed(next) {
      place = next
      changed()
    },
    push(event) {
      // Who is answered waits no more.
      place = null
      const last = events.at(-1)
      if (event.type === 'text' && last?.type === 'text') {
        events[events.length - 1] = { ...event, text: last.text + event.text }
      } else events.push(event)
      changed()
    },
    fail(error) {
      failure ??= { error }
      changed()
    },
    async read() {
      for (;;) {
        const event = take()
        if (event !== null) return event
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
