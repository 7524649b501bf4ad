/** What Mentor holds and who will answer: one line with a light, and behind it each part with its own. */
import { closeLeft, closeOnEscape } from './menu.ts'
import type { Texts } from './texts/en.ts'
import type { HealthWatch } from './use-health.ts'
import { useTexts } from './use-texts.ts'
import type { Health, RungHealth } from './wire.ts'
import { willAnswer } from './wording.ts'

export function Status({ watch: { health, gone, checkedAt } }: { watch: HealthWatch }) {
  const texts = useTexts()
  const { status } = texts
  if (gone) {
    return (
      <p className="status" data-light="red" role="status">
        <span>{status.gone}</span>
        <span className="more">{status.goneWhat}</span>
      </p>
    )
  }
  if (health === null) return <p className="status">{status.connecting}</p>
  const ready = health.rungs.find((rung) => rung.state === 'ready')
  return (
    <details
      className="status"
      data-light={light(health, ready)}
      onBlur={closeLeft}
      onKeyDown={closeOnEscape}
    >
      <summary>
        <span>{stored(health, texts)}</span>
        <span className="more">{willAnswer(ready, texts)}</span>
      </summary>
      <div className="card" tabIndex={-1}>
        <ul>
          <li data-state={health.database.state}>
            <strong>{status.store}</strong>
            <span>
              {health.database.state === 'unavailable'
                ? status.storeGone
                : status.storeReady(health.counts.documents, health.counts.passages)}
            </span>
          </li>
          {health.rungs.map((rung) => (
            <li key={rung.rung} data-state={rung.state}>
              <strong>{rung.rung === 'context-only' ? status.quotes : texts.rungs[rung.rung]}</strong>
              <span>
                {state(rung, texts)}
                {rung.reason !== null && (
                  <>
                    : <bdi>{rung.reason}</bdi>
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
        {checkedAt !== null && (
          <p className="aside">
            {status.checked(
              new Date(checkedAt).toLocaleTimeString(texts.tag, {
                hour: '2-digit',
                minute: '2-digit',
                second: '2-digit',
              }),
            )}
          </p>
        )}
      </div>
    </details>
  )
}

function stored({ ingesting, counts }: Health, { status, documents }: Texts): string {
  return ingesting === null ? documents(counts.documents) : status.reading(ingesting.done, ingesting.total)
}

function light(health: Health, ready: RungHealth | undefined): string {
  if (ready === undefined || health.database.state === 'unavailable') return 'red'
  return health.ingesting !== null || health.status === 'starting' ? 'busy' : 'green'
}

function state({ state, model }: RungHealth, { status }: Texts): string {
  if (state === 'checking') return status.checking
  if (state === 'unavailable') return status.unavailable
  return model === null ? status.ready : `${status.ready}, ${model}`
}
