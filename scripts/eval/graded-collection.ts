/** A graded collection in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailed } from '../terminal.ts'

export interface GradedDocument {
  id: string
  title: string
  text: string
  /** Documents of one group are taken away together when refusals are measured; by default each is its own. */
  group: string
}

export interface GradedQuestion {
  id: string
  text: string
  /** Gain by document id; only those above 0. */
  gains: Map<string, number>
  /** Texts of which a right answer quotes one; empty where none are given. */
  answers: string[]
}

export interface GradedCollection {
  documents: GradedDocument[]
  /** Those with a judgement above 0. */
  questions: GradedQuestion[]
  /** The file of judgements that was read. */
  judgements: string
}

/**
 * Reads a collection: a document is `{"_id", "title"?, "text", "group"?}`, a question `{"_id", "text", "answers"?}`, a
 * judgement a line of question, document and gain between tabs (or of TREC's four columns). Of several files of
 * judgements `test.tsv` is read.
 * @throws CommandFailed that names the file and the line
 */
export async function readGradedCollection(folder: string): Promise<GradedCollection> {
  const documents = (await readLines(join(folder, 'corpus.jsonl'))).map(({ value, where }) => {
    const id = textOf(value, '_id', where)
    return {
      id,
      title: optionalText(value, 'title'),
      text: textOf(value, 'text', where),
      group: optionalText(value, 'group') || id,
    }
  })
  const judgements = await judgementsIn(folder)
  const gains = await readJudgements(judgements, new Set(documents.map(({ id }) => id)))
  const questions = (await readLines(join(folder, 'queries.jsonl'))).flatMap(({ value, where }) => {
    const id = textOf(value, '_id', where)
    const judged = gains.get(id)
    if (judged === undefined) return []
    return [{ id, text: textOf(value, 'text', where), gains: judged, answers: answersOf(value) }]
  })
  if (questions.length === 0)
    throw new CommandFailed(
      `No question of ${folder} has a judgement above 0: are the ids of queries.jsonl, corpus.jsonl and ${judgements} the same?`,
      2,
    )
  return { documents, questions, judgements }
}

type JsonObject = Record<string, unknown>

async function readLines(file: string): Promise<{ value: JsonObject; where: string }[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandFailed(
      `${file} cannot be read. A collection is a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.`,
      2,
    )
  })
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return []
    const where = `${file}, line ${i + 1}`
    try {
      const value: unknown = JSON.parse(line)
      if (isObject(value)) return [{ value, where }]
    } catch {
      // Told below, as for JSON that is no object.
    }
    throw new CommandFailed(`${where}: not a JSON object.`, 2)
  })
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: JsonObject, field: string, where: string): string {
  const text = value[field]
  if (typeof text === 'string') return text
  throw new CommandFailed(`${where}: "${field}" is missing, or no string.`, 2)
}

function optionalText(value: JsonObject, field: string): string {
  const text = value[field]
  return typeof text === 'string' ? text : ''
}

function answersOf({ answers }: JsonObject): string[] {
  return Array.isArray(answers) ? answers.filter((answer) => typeof answer === 'string') : []
}

async function judgementsIn(folder: string): Promise<string> {
  const qrels = join(folder, 'qrels')
  const files = existsSync(qrels) ? (await readdir(qrels)).filter((name) => name.endsWith('.tsv')).sort() : []
  const name = files.includes('test.tsv') ? 'test.tsv' : files[0]
  if (name === undefined)
    throw new CommandFailed(`${qrels} has no .tsv file: its judgements say which documents answer what.`, 2)
  return join(qrels, name)
}

async function readJudgements(
  file: string,
  documents: ReadonlySet<string>,
): Promise<Map<string, Map<string, number>>> {
  const gains = new Map<string, Map<string, number>>()
  for (const [i, line] of (await readFile(file, 'utf8')).split('\n').entries()) {
    const cells = line.trim().split(/\t| +/)
    const [question, document, gain] =
      cells.length === 4 ? [cells[0], cells[2], Number(cells[3])] : [cells[0], cells[1], Number(cells[2])]
    if (line.trim() === '' || (i === 0 && !Number.isFinite(gain))) continue
    if (question === undefined || document === undefined || !Number.isFinite(gain))
      throw new CommandFailed(`${file}, line ${i + 1}: not question, document and gain.`, 2)
    // A judgement of a document that is not there can be met by nobody.
    if (gain > 0 && documents.has(document))
      gains.set(question, (gains.get(question) ?? new Map<string, number>()).set(document, gain))
  }
  return gains
}
