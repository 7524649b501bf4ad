/** A quoted sentence as it is shown: its words, without the marks of Markdown around them. */
import type { Sentence } from './sentences.ts'

/**
 * The citation keeps the source to the letter; this is for reading. Only marks that come in pairs around words are taken
 * off, so that `2 * 3 * 4` and `snake_case_name` stay as they are. Code is left alone.
 */
export function shownText({ kind, text, header = [] }: Sentence): string {
  if (kind === 'code') return text
  if (kind === 'row' && text.trimStart().startsWith('|')) return rowText(text, header)
  return withoutMarks(text)
}

/** `Season: March to October · Garden: 9:00 to 19:00`; cells alone where the table has no header. */
function rowText(row: string, header: string[]): string {
  return cellsOf(row)
    .map((cell, i) => ({ name: withoutMarks(header[i] ?? ''), cell: withoutMarks(cell) }))
    .filter(({ cell }) => cell !== '')
    .map(({ name, cell }) => (name === '' ? cell : `${name}: ${cell}`))
    .join(' · ')
}

/** The cells of a Markdown table's row; `\|` is a letter of a cell. */
export function cellsOf(row: string): string[] {
  const inner = row.trim().replace(/^\||(?<!\\)\|$/g, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.replaceAll('\\|', '|').trim())
}

function withoutMarks(text: string): string {
  return text
    .replace(/!?\[([^\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]*\)){1,1000}(?:\s+"[^"\n]*")?\)/g, '$1')
    .replace(/(?<![\p{L}\p{N}*])(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?![\p{L}\p{N}*])/gu, '$2')
    .replace(/(?<![\p{L}\p{N}_])(_{1,2})(?=\S)([^_\n]+?)(?<=\S)\1(?![\p{L}\p{N}_])/gu, '$2')
    .replace(/~~(?=\S)([^~\n]+?)(?<=\S)~~/g, '$1')
    .replace(/(?<!`)`([^`\n]+)`(?!`)/g, '$1')
}
