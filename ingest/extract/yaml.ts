/** YAML: InstructLab's questions and answers as such, any other file by its top-level keys. */
import { isMap, parseDocument, type YAMLMap } from 'yaml'
import { codeBlocks } from './code.ts'
import { decodeText } from './decode.ts'
import { clip, type Extracted, metadataOf, oneLine, Refused } from './extracted.ts'
import { createLayout, type Layout } from './layout.ts'

/**
 * Aliases may be followed so often before it is no configuration but a bomb. A file that names more of them stays text:
 * finding the anchor of each takes the square of their number.
 */
const mostAliases = 1000
/** Largest file whose structure is looked at; a longer one is text by its top-level keys. */
const longestParsed = 4 * 1024 ** 2

export function extractYaml(name: string, bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  const aliases = text.match(/[:\-[,]\s*\*\w/g)?.length ?? 0
  const isTaxonomy = /^seed_examples\s*:/m.test(text)
  if (text.length <= longestParsed && aliases <= mostAliases && (isTaxonomy || aliases > 0)) {
    const value = readValue(text, warnings)
    if (isTaxonomy && value) return extractQuestions(name, value, warnings)
  }
  return { text, mediaType: 'application/yaml', title: name, blocks: codeBlocks(text, 'yaml'), warnings }
}

/** The first document as Maps, so that no key is special; null when it cannot be read. */
function readValue(text: string, warnings: string[]): unknown {
  const document = parseDocument<YAMLMap>(text.replace(/^%[^\n]*$/gm, ''), { logLevel: 'silent' })
  const [error] = document.errors
  if (error && error.code !== 'MULTIPLE_DOCS') {
    warnings.push(`it is not valid YAML (${oneLine(error.message, 120)}): read as text`)
    return null
  }
  try {
    return isMap(document.contents) ? document.toJS({ mapAsMap: true, maxAliasCount: mostAliases }) : null
  } catch (error) {
    if (error instanceof ReferenceError)
      throw new Refused(
        'yaml_bomb',
        'its aliases would unfold to far more than a document: write the values out',
      )
    throw error
  }
}

/**
 * A leaf of InstructLab's taxonomy, knowledge or skill: each question is a heading with its answer below, embedded
 * with the beginning of its context; the context itself stands before its questions.
 */
function extractQuestions(name: string, value: unknown, warnings: string[]): Extracted {
  const layout = createLayout()
  for (const example of listIn(value, 'seed_examples')) {
    const context = wordsIn(example, 'context')
    layout.leave(1)
    if (context) layout.add({ kind: 'paragraph', text: context })
    const pairs = listIn(example, 'questions_and_answers')
    for (const pair of pairs.length > 0 ? pairs : [example]) addPair(layout, pair, context)
  }
  const path = name.split('/').slice(0, -1)
  const outline = wordsIn(value, 'document_outline') || wordsIn(value, 'task_description')
  const leaf = path.at(-1)?.replace(/[_-]+/g, ' ') ?? ''
  return {
    ...layout.finish(),
    mediaType: 'application/yaml',
    title: outline && outline.length <= 200 ? oneLine(outline) : oneLine(leaf) || oneLine(outline) || null,
    metadata: metadataOf([
      ['domain', wordsIn(value, 'domain')],
      ['author', wordsIn(value, 'created_by')],
      ['taxonomy', path.join('/')],
    ]),
    warnings,
  }
}

function addPair(layout: Layout, pair: unknown, context: string): void {
  const question = wordsIn(pair, 'question')
  const answer = wordsIn(pair, 'answer')
  if (question) layout.add({ kind: 'heading', level: 1, text: question.replace(/\s+/g, ' ') })
  // As much of the context as fits beside title and question; more would be left out whole.
  const header = context ? oneLine(clip(context, 1000), 160) : null
  if (answer) layout.add({ kind: 'paragraph', text: answer, header })
}

function listIn(value: unknown, key: string): unknown[] {
  const list: unknown = value instanceof Map ? value.get(key) : null
  return Array.isArray(list) ? list : []
}

function wordsIn(value: unknown, key: string): string {
  const words: unknown = value instanceof Map ? value.get(key) : null
  return typeof words === 'string' || typeof words === 'number' ? String(words).trim() : ''
}
