import type { FocusEvent, KeyboardEvent } from 'react'
import { AddButton } from './add-button.tsx'
import type { HealthWatch } from './use-health.ts'
import type { Health, RungHealth } from './wire.ts'
import { counted, rungName, willAnswer } from './wording.ts'

interface StatusBarProps {
  watch: HealthWatch
  onFiles(files: File[]): void
}

/** The name, what Mentor holds and who will answer, and the way to add documents. */
export function StatusBar({ watch, onFiles }: StatusBarProps) {
  return (
    <header className="top">
      <h1>Mentor</h1>
      <Status watch={watch} />
      <AddButton onFiles={onFiles} />
    </header>
  )
}

function Status({ watch: { health, gone } }: { watch: HealthWatch }) {
  if (gone) {
    return (
      <p className="status" data-light="red" role="status">
        <span>Backend not reachable</span>
        <span className="more">start it with ./mentor start</span>
      </p>
    )
  }
  if (health === null) return <p className="status">Connecting…</p>
  const ready = health.rungs.find((rung) => rung.state === 'ready')
  return (
    <details
      className="status"
      data-light={light(health, ready)}
      onBlur={closeLeft}
      onKeyDown={closeOnEscape}
    >
      <summary>
        <span>{stored(health)}</span>
        <span className="more">{willAnswer(ready)}</span>
      </summary>
      <div className="card" tabIndex={-1}>
        <p>
          {counted(health.counts.documents, 'document')}, {counted(health.counts.passages, 'passage')}
        </p>
        <ol>
          {health.rungs.map((rung) => (
            <li key={rung.rung} data-state={rung.state}>
              <strong>{rungName(rung.rung)}</strong>
              <span>
                {state(rung)}
                {rung.reason !== null && (
                  <>
                    : <bdi>{rung.reason}</bdi>
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </details>
  )
}

function stored(health: Health): string {
  if (health.ingesting !== null) return `Reading ${health.ingesting.done} of ${health.ingesting.total}`
  return counted(health.counts.documents, 'document')
}

function light(health: Health, ready: RungHealth | undefined): string {
  if (ready === undefined) return 'red'
  return health.ingesting !== null || health.status === 'starting' ? 'busy' : 'green'
}

function state(rung: RungHealth): string {
  if (rung.state === 'checking') return 'not ready yet'
  if (rung.state === 'unavailable') return 'not available'
  return rung.model === null ? 'ready' : `ready, ${rung.model}`
}

/** A click or a Tab elsewhere closes the card. */
function closeLeft(event: FocusEvent<HTMLDetailsElement>) {
  if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false
}

function closeOnEscape(event: KeyboardEvent<HTMLDetailsElement>) {
  if (event.key === 'Escape') event.currentTarget.open = false
}
