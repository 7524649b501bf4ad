/** A Jupyter notebook: its Markdown and code cells, and what the code printed, as far as it is text. */
import { decodeText } from './decode.ts'
import { clip, type Extracted, languageTag, Refused } from './extracted.ts'
import { type JsonValue, parseJson } from './json-values.ts'
import { createLayout } from './layout.ts'
import { readMarkdown } from './markdown.ts'

/** Code units of one output: the beginning of a log or table says what it is. */
const longestOutput = 4000

export function extractNotebook(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  const book = parseJson(text).value
  const cells = field(book, 'cells') ?? field(itemsOf(field(book, 'worksheets'))[0], 'cells')
  if (cells?.kind !== 'array')
    throw new Refused('damaged', 'it has no cells, so it is no Jupyter notebook: give the file its real name')
  const language = words(field(field(field(book, 'metadata'), 'kernelspec'), 'language'))
  const layout = createLayout()
  let title: string | null = null
  let cut = 0
  for (const cell of cells.items) {
    const kind = words(field(cell, 'cell_type'))
    const source = words(field(cell, 'source') ?? field(cell, 'input'))
    if (!source.trim()) continue
    if (kind === 'markdown' || kind === 'heading') {
      const page = readMarkdown(source, warnings)
      title ??= page.title
      addMarkdown(layout, page)
    } else if (kind === 'code')
      layout.add({ kind: 'code', text: `\`\`\`${language}\n${source.trimEnd()}\n\`\`\`` })
    else layout.add({ kind: 'paragraph', text: source })
    for (const output of itemsOf(field(cell, 'outputs'))) {
      const shown = printed(output)
      if (!shown.trim()) continue
      if (shown.length > longestOutput) cut++
      layout.add({ kind: 'code', text: `Output:\n${clip(shown, longestOutput).trimEnd()}` })
    }
  }
  if (cut > 0) warnings.push(`${cut} long outputs were cut after ${longestOutput} characters`)
  return {
    ...layout.finish(),
    mediaType: 'application/x-ipynb+json',
    title,
    language: languageTag(null),
    warnings,
  }
}

/** A cell's headings open sections for the cells below it. */
function addMarkdown(
  layout: ReturnType<typeof createLayout>,
  { text, blocks }: Pick<Extracted, 'text' | 'blocks'>,
): void {
  for (const [i, { kind, level, start, end, header }] of blocks.entries()) {
    const near = kind === blocks[i - 1]?.kind && (kind === 'list-item' || kind === 'table-row')
    const own = text.slice(start, end)
    const shown = kind === 'heading' ? own.replace(/^#+\s*|\s*#+$|\n[=-]+$/g, '') : own
    layout.add({ kind, level, text: shown, header, separator: near ? '\n' : '\n\n' })
  }
}

/** What an output says in plain text; pictures and widgets say nothing. */
function printed(output: JsonValue): string {
  const stream = words(field(output, 'text'))
  if (stream) return stream
  const trace = itemsOf(field(output, 'traceback'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal are what is looked for
  if (trace.length > 0) return words(field(output, 'evalue')).replace(/\u001b\[[\d;]*m/g, '')
  const plain = words(field(field(output, 'data'), 'text/plain'))
  return /^<[\w.]+ (object )?at 0x[\da-f]+>$|^<Figure size/.test(plain) ? '' : plain
}

function field(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return value?.kind === 'object' ? value.entries.find(([name]) => name === key)?.[1] : undefined
}

function itemsOf(value: JsonValue | undefined): JsonValue[] {
  return value?.kind === 'array' ? value.items : []
}

/** Jupyter keeps a text as one string or as its lines. */
function words(value: JsonValue | undefined): string {
  if (value?.kind === 'scalar') return value.text
  return itemsOf(value)
    .map((item) => (item.kind === 'scalar' ? item.text : ''))
    .join('')
}
