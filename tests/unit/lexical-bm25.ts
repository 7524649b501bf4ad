/** Graded questions over whole documents, and BM25 over them in memory: what the terms alone are worth. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { analyse } from '../../db/lexical/terms.ts'

export const shared = process.env.MENTOR_SHARED ?? join(import.meta.dir, '../../../shared')
export const hasShared = existsSync(join(shared, 'data'))

export interface Graded {
  documents: { id: string; text: string }[]
  questions: { text: string; gains: Map<string, number> }[]
}

interface Article {
  paragraphs: { context: string; qas: { question: string }[] }[]
}

/** Every paragraph is a document; a question's answer is in its own. */
export function readXquad(language: string): Graded {
  const path = join(shared, 'data', 'xquad', `xquad.${language}.json`)
  const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: Article[] }
  const paragraphs = data.flatMap((article) => article.paragraphs)
  return {
    documents: paragraphs.map((paragraph, i) => ({ id: String(i), text: paragraph.context })),
    questions: paragraphs.flatMap((paragraph, i) =>
      paragraph.qas.map((qa) => ({ text: qa.question, gains: new Map([[String(i), 1]]) })),
    ),
  }
}

/** SMART records: a map of field letter to text a record. */
function smart(name: string): Map<string, string>[] {
  const text = readFileSync(join(shared, 'data', 'cranfield', name), 'latin1').replaceAll('\r\n', '\n')
  return text
    .split(/^\.I .*\n/m)
    .slice(1)
    .map((record) => {
      const parts = record.split(/^\.([A-Z])\s*\n/m)
      const fields = new Map<string, string>()
      for (let i = 1; i < parts.length; i += 2) fields.set(parts[i] ?? '', parts[i + 1] ?? '')
      return fields
    })
}

export function readCranfield(): Graded {
  const documents = smart('cran.all.1400').map((fields, i) => ({
    id: String(i + 1),
    text: `${(fields.get('T') ?? '').replace(/\s+/g, ' ').trim()}\n\n${(fields.get('W') ?? '').trim()}\n`,
  }))
  const questions = smart('cran.qry').map((fields) => ({
    text: fields.get('W') ?? '',
    gains: new Map<string, number>(),
  }))
  const judgements = readFileSync(join(shared, 'data', 'cranfield', 'cranqrel'), 'latin1')
  for (const line of judgements.split('\n')) {
    const [question = 0, document, grade = 0] = line.trim().split(/\s+/).map(Number)
    // 1 is a complete answer, 4 of minimal interest.
    if (grade >= 1 && grade <= 4) questions[question - 1]?.gains.set(String(document), 5 - grade)
  }
  return { documents, questions: questions.filter((question) => question.gains.size > 0) }
}

/** nDCG@10 of BM25 (k1 1.2, b 0.75) over the terms of `analyse`. */
export function bm25(graded: Graded, language: string): number {
  const postings = new Map<string, Map<number, number>>()
  const lengths = graded.documents.map((document, d) => {
    const terms = analyse(document.text, language)
    for (const term of terms) {
      const posting = postings.get(term) ?? new Map<number, number>()
      posting.set(d, (posting.get(d) ?? 0) + 1)
      postings.set(term, posting)
    }
    return terms.length
  })
  const count = lengths.length
  const average = lengths.reduce((sum, length) => sum + length, 0) / count

  const rank = (question: string): string[] => {
    const scores = new Map<number, number>()
    for (const term of analyse(question, language)) {
      const posting = postings.get(term)
      if (!posting) continue
      const idf = Math.log(1 + (count - posting.size + 0.5) / (posting.size + 0.5))
      for (const [d, frequency] of posting) {
        const norm = 1.2 * (0.25 + (0.75 * (lengths[d] ?? 0)) / average)
        scores.set(d, (scores.get(d) ?? 0) + (idf * frequency * 2.2) / (frequency + norm))
      }
    }
    const best = [...scores].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 10)
    return best.map(([d]) => graded.documents[d]?.id ?? '')
  }
  const sum = graded.questions.reduce(
    (total, question) => total + ndcg(rank(question.text), question.gains),
    0,
  )
  return sum / graded.questions.length
}

function ndcg(ranking: string[], gains: Map<string, number>): number {
  const discounted = (values: number[]) =>
    values.slice(0, 10).reduce((sum, gain, r) => sum + gain / Math.log2(r + 2), 0)
  const ideal = discounted([...gains.values()].sort((a, b) => b - a))
  return discounted(ranking.map((id) => gains.get(id) ?? 0)) / ideal
}
