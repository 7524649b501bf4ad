import { useEffect, useState } from 'react'
import { AddButtons, type OnFiles } from './add-button.tsx'
import { listDocuments, searchHeadings } from './api.ts'
import { useSettings } from './settings.ts'
import { askedTitles, handbookQuestions, suggestedQuestions } from './suggestions.ts'
import type { Texts } from './texts/en.ts'
import { useTexts } from './use-texts.ts'
import type { Health } from './wire.ts'

interface EmptyStateProps {
  health: Health | null
  onAsk(question: string): void
  onFiles: OnFiles
}

/** Before the first question: what this is, and questions that the stored documents can answer. */
export function EmptyState({ health, onAsk, onFiles }: EmptyStateProps) {
  const texts = useTexts()
  const documents = health?.counts.documents ?? null
  const questions = useSuggestions(documents, texts)
  return (
    <div className="empty">
      <h2>{texts.empty.title}</h2>
      {documents === 0 && health?.ingesting == null ? (
        <div className="first-documents">
          <p>{texts.empty.none}</p>
          <AddButtons onFiles={onFiles} />
          <p className="aside">{texts.empty.kinds}</p>
        </div>
      ) : (
        <p className="lead">{texts.empty.lead(documents)}</p>
      )}
      {questions.length > 0 && (
        <ul className="suggestions" aria-label={texts.empty.suggestions}>
          {questions.map((question) => (
            <li key={question}>
              <button type="button" dir="auto" onClick={() => onAsk(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Asked again when the number of documents changes. */
function useSuggestions(documents: number | null, texts: Texts): string[] {
  const [questions, setQuestions] = useState<string[]>([])
  const { collection } = useSettings()
  useEffect(() => {
    if (documents === null || documents === 0) return
    let left = false
    suggest(collection, texts).then(
      (found) => !left && setQuestions(found),
      // Suggestions are an offer; the status says that the backend has gone.
      () => !left && setQuestions([]),
    )
    return () => {
      left = true
    }
  }, [documents, collection, texts])
  return documents === 0 ? [] : questions
}

async function suggest(collection: string, texts: Texts): Promise<string[]> {
  const { documents } = await listDocuments({ limit: 50, collection })
  const known = handbookQuestions(documents)
  if (known.length > 0) return known
  const headings = await Promise.all(askedTitles(documents).map((title) => searchHeadings(title, collection)))
  return suggestedQuestions(documents, headings.flat(), texts)
}
