import { oneLine } from './extract/extracted.ts'

/**
 * The text of a passage as it is embedded, and as its words are counted for BM25: the document's title, the headings
 * above it outermost first, and the passage, a line each. A line that the passage opens with, or that the one before
 * said, is not said twice; a title without a word (a file called `0042`) says nothing.
 */
export function embeddingInput(title: string, heading: readonly string[], text: string): string {
  const beginning = oneLine(text.slice(0, 500), 400)
  const above = (/\p{L}{3}/u.test(title) ? [title, ...heading] : [...heading]).filter(
    (line, i, lines) => line !== '' && line !== lines[i - 1] && !beginning.startsWith(line),
  )
  return [...above, text].join('\n')
}
