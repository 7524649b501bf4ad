import type { Answer } from './wire.ts'
import { answeredBy, duration, given, outcomeName } from './wording.ts'

/** Who answered, in how long, and why nobody before did. */
export function Provenance({ answer }: { answer: Answer }) {
  return (
    <div className="provenance">
      <details>
        <summary>
          <code>{answer.rung}</code>
          <span>{answeredBy(answer)}</span>
          <span className="time">{duration(answer.timings.total)}</span>
        </summary>
        <ol>
          {answer.ladder.map((step) => (
            <li key={step.rung}>
              <code>{step.rung}</code>
              <span>
                {outcomeName(step.outcome)}
                {step.ms >= 1 && ` after ${duration(step.ms)}`}
                {step.prompt !== null && `, ${given(step.prompt)}`}
                {step.reason !== null && (
                  <>
                    : <bdi>{step.reason}</bdi>
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      </details>
      {answer.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  )
}
