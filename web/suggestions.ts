/** First questions that the stored documents can answer. */
import type { Texts } from './texts/en.ts'
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

type Named = Pick<DocumentReference, 'title' | 'source'>

/**
 * @param headings of passages of these documents: the headings above each, outermost first, joined by ` › `
 */
export function suggestedQuestions(
  documents: Named[],
  headings: { title: string; heading: string | null }[],
  { empty }: Texts,
): string[] {
  const known = handbookQuestions(documents)
  if (known.length > 0) return known
  return askedTitles(documents).map((title) => {
    const within = headings.filter((one) => one.title === title)
    const heading = within.map((one) => one.heading?.split(' › ').at(-1)?.trim() ?? '')
    const about = heading.find((name) => isName(name) && name !== title)
    return about === undefined ? empty.aboutTitle(title) : empty.aboutHeading(about, title)
  })
}

/** The titles that are asked about: each once, those of the newest documents first. */
export function askedTitles(documents: Named[]): string[] {
  return [...new Set(documents.map((document) => document.title.trim()).filter(isName))].slice(0, most)
}

/** The questions of the handbook's documents that are among these; then they alone are suggested. */
export function handbookQuestions(documents: Named[]): string[] {
  const known = handbook.filter((entry) =>
    documents.some(({ title, source }) => fileName(source) === entry.file && title.startsWith(entry.title)),
  )
  return known.map((entry) => entry.question)
}

function fileName(source: string): string {
  return source.split(/[\\/]/).at(-1) ?? source
}

/** Long titles are first lines of text, not names to ask about. */
function isName(title: string): boolean {
  return title.length > 2 && title.length <= 80
}
