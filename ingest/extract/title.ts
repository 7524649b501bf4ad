import { oneLine } from './extracted.ts'

/** Null for an empty title and the ones that programs make: a file name, "Untitled", "Microsoft Word - …". */
export function meaningfulTitle(title: string): string | null {
  const line = oneLine(title)
  const made =
    /^(untitled|document\s*\d*|microsoft (word|powerpoint) - .*|.*\.(docx?|pdf|odt|tex|dvi|indd|pptx?|qxd|rtf))$/i
  return !/\p{L}/u.test(line) || made.test(line) ? null : line
}

/** What a document without a title is called: its file name without extension, its dashes as spaces. */
export function titleFromName(name: string): string {
  const stem = name.slice(name.lastIndexOf('/') + 1).replace(/(?!^)\.[^.]*$/, '')
  return oneLine(stem.replace(/[_\s]+|(?<=\p{L})-|-(?=\p{L})/gu, ' ')) || oneLine(name) || 'Untitled'
}
