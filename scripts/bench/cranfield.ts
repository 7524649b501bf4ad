/** The Cranfield collection as files and questions, from the folder of graded collections. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readTestConfig } from '../config.ts'

const collectionsDir = join(readTestConfig().shared, 'data')

/** Writes the abstracts as `1.txt` … `1400.txt`, title first, without the two that are empty. @returns how many */
export async function writeAbstracts(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true })
  const records = split(await read('cran.all.1400')).filter((record) => field(record, 'W') !== '')
  for (const record of records) {
    const title = field(record, 'T')
    const text = field(record, 'W')
    // Most abstracts repeat their title as the first sentence.
    await Bun.write(join(folder, `${record.number}.txt`), text.startsWith(title) ? text : `${title}\n${text}`)
  }
  return records.length
}

/** The 225 questions, in order. */
export async function readQuestions(): Promise<string[]> {
  return split(await read('cran.qry')).map((record) => field(record, 'W').replace(/\s+/g, ' '))
}

interface Record {
  number: number
  body: string
}

function split(text: string): Record[] {
  const records = text.split(/^\.I +/m).slice(1)
  return records.map((record) => ({ number: Number.parseInt(record, 10), body: record }))
}

function field({ body }: Record, letter: string): string {
  return (
    new RegExp(`^\\.${letter}\\n([\\s\\S]*?)(?=^\\.[A-Z]\\n|(?![\\s\\S]))`, 'm').exec(body)?.[1] ?? ''
  ).trim()
}

/** The questions have Windows line ends, the abstracts have not. */
async function read(name: string): Promise<string> {
  return (await Bun.file(join(collectionsDir, 'cranfield', name)).text()).replaceAll('\r\n', '\n')
}
