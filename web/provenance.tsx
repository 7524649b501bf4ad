/** Who answered, from how many documents and in how long; behind it, why: who was asked and what was found. */
import { useTexts } from './use-texts.ts'
import type { Answer, LadderStep, Passage } from './wire.ts'
import { answeredBy, duration, place } from './wording.ts'

export function Provenance({ answer }: { answer: Answer }) {
  const texts = useTexts()
  const { trust } = texts
  const { timings, usage } = answer
  const documents = new Set(answer.citations.map((citation) => citation.document.id)).size
  const tokens = usage.completionTokens
  return (
    <div className="provenance">
      <details>
        <summary>
          <code>{answer.rung}</code>
          <span>{answeredBy(answer, texts)}</span>
          <span>{trust.used(documents)}</span>
          {timings.firstText !== null && <span>{trust.firstWord(duration(timings.firstText))}</span>}
          <span className="time">{trust.total(duration(timings.total))}</span>
          {tokens !== null && <span>{trust.tokens(tokens)}</span>}
          <span className="why">{trust.why}</span>
        </summary>
        <div className="trace">
          <h3>{trust.ladder}</h3>
          <ol>
            {answer.ladder.map((step) => (
              <Step key={step.rung} step={step} />
            ))}
          </ol>
          {answer.passages.length > 0 && <Found answer={answer} />}
          <p>{trust.search(duration(timings.embed), duration(timings.search))}</p>
        </div>
      </details>
      {answer.notes.map((note) => (
        <p key={note}>
          <bdi>{note}</bdi>
        </p>
      ))}
    </div>
  )
}

function Step({ step }: { step: LadderStep }) {
  const { trust, outcomes } = useTexts()
  const { prompt } = step
  return (
    <li>
      <code>{step.rung}</code>
      <span>
        {outcomes[step.outcome]}
        {step.ms >= 1 && trust.after(duration(step.ms))}
        {prompt !== null && trust.given(prompt.passages, prompt.of, prompt.tokens)}
        {prompt !== null && trust.room(prompt.context, prompt.counted === 'exact')}
        {step.reason !== null && (
          <>
            : <bdi>{step.reason}</bdi>
          </>
        )}
      </span>
    </li>
  )
}

/** The passages that were found, with the scores that chose them. */
function Found({ answer }: { answer: Answer }) {
  const texts = useTexts()
  const { trust } = texts
  const { columns } = trust
  return (
    <>
      <h3>{trust.passages}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="table" tabIndex={0} aria-label={trust.passages}>
        <table>
          <thead>
            <tr>
              <th scope="col">{columns.rank}</th>
              <th scope="col">{columns.passage}</th>
              <th scope="col">{columns.score}</th>
              <th scope="col">{columns.meaning}</th>
              <th scope="col">{columns.words}</th>
              <th scope="col">{columns.cited}</th>
            </tr>
          </thead>
          <tbody>
            {answer.passages.map((passage, at) => (
              <tr key={passage.id}>
                <td>{at + 1}</td>
                <td className="passage">
                  <bdi>{[passage.document.title, place(passage, texts)].filter(Boolean).join(' · ')}</bdi>
                  <span dir="auto">{passage.text}</span>
                </td>
                <td>{passage.score.toFixed(2)}</td>
                <td>{passage.scores.dense?.toFixed(2) ?? '–'}</td>
                <td>{passage.scores.lexical?.toFixed(1) ?? '–'}</td>
                <td>{isCited(answer, passage) ? trust.cited : trust.notCited}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p>{trust.scores}</p>
    </>
  )
}

function isCited({ citations }: Answer, { document, start, end }: Passage): boolean {
  return citations.some(
    (citation) => citation.document.id === document.id && citation.start < end && citation.end > start,
  )
}
