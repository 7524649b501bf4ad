import { useEffect, useState } from 'react'
import { AddButton } from './add-button.tsx'
import { listDocuments } from './api.ts'
import { suggestedQuestions } from './suggestions.ts'
import type { Health } from './wire.ts'
import { counted } from './wording.ts'

interface EmptyStateProps {
  health: Health | null
  onAsk(question: string): void
  onFiles(files: File[]): void
}

/** Before the first question: what this is, and questions that the stored documents can answer. */
export function EmptyState({ health, onAsk, onFiles }: EmptyStateProps) {
  const documents = health?.counts.documents ?? null
  const questions = useSuggestions(documents)
  return (
    <div className="empty">
      <h2>What would you like to know?</h2>
      {documents === 0 && health?.ingesting == null ? (
        <div className="first-documents">
          <p>There are no documents yet. Drop files anywhere on this page, or choose them:</p>
          <AddButton onFiles={onFiles} />
          <p className="aside">Markdown, text, HTML, PDF and Word. They stay on this machine.</p>
        </div>
      ) : (
        <p className="lead">
          Mentor answers from{' '}
          {documents === null ? 'your documents' : `your ${counted(documents, 'document')}`}. Every sentence
          shows where it comes from.
        </p>
      )}
      {questions.length > 0 && (
        <ul className="suggestions">
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
function useSuggestions(documents: number | null): string[] {
  const [questions, setQuestions] = useState<string[]>([])
  useEffect(() => {
    if (documents === null || documents === 0) return
    let left = false
    listDocuments(50).then(
      (found) => !left && setQuestions(suggestedQuestions(found)),
      // Suggestions are an offer; the status says that the backend has gone.
      () => !left && setQuestions([]),
    )
    return () => {
      left = true
    }
  }, [documents])
  return questions
}
