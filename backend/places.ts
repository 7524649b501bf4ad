/** Where in the documents something stands, in words. */
import type { RetrievedPassage } from './answer/types.ts'

/** Title, page and headings; a title that is the first heading too is said once. */
export function placeParts({
  document,
  page,
  heading,
}: Pick<RetrievedPassage, 'document' | 'page' | 'heading'>): string[] {
  const { title } = document
  const below =
    heading === title ? null : heading?.startsWith(`${title} › `) ? heading.slice(title.length + 3) : heading
  return [title, page === null ? null : `page ${page}`, below].filter((part) => part != null)
}
