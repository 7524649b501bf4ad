/** First questions that the stored documents can answer. */
import type { DocumentReference } from './wire.ts'

/** Questions about the handbook that ships with Mentor, each with the document that answers it. */
const handbook = [
  { file: 'welcome.md', title: 'Welcome to Lindenmoor', question: 'How many days of leave do I get?' },
  { file: 'visitors.html', title: 'Visitors and tickets', question: 'What does a family ticket cost?' },
  {
    file: 'emergencies.docx',
    title: 'Emergency procedures',
    question: 'Which number do I call when somebody has eaten a poisonous plant?',
  },
  {
    file: 'glasshouses.pdf',
    title: 'Care of the glasshouses',
    question: 'How fast does the tropical house lose heat when the heating fails?',
  },
]

const most = 4

export function suggestedQuestions(documents: Pick<DocumentReference, 'title' | 'source'>[]): string[] {
  const known = handbook.filter((entry) =>
    documents.some(({ title, source }) => fileName(source) === entry.file && title.startsWith(entry.title)),
  )
  if (known.length > 0) return known.map((entry) => entry.question)
  const titles = new Set(documents.map((document) => document.title.trim()).filter(isName))
  return [...titles].slice(0, most).map((title) => `What does “${title}” say?`)
}

function fileName(source: string): string {
  return source.split(/[\\/]/).at(-1) ?? source
}

/** Long titles are first lines of text, not names to ask about. */
function isName(title: string): boolean {
  return title.length > 2 && title.length <= 80
}
