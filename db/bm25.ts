import { numberArray, textArray } from './arrays.ts'
import { among, type Fragment, literal, type Sql, visible } from './fragments.ts'

/**
 * BM25 over the postings (Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009):
 *   Σ over terms  idf · f · (k1 + 1) / (f + k1 · (1 - b + b · length / average length))
 * with Lucene's idf, which is never negative, also for a term that most passages have. Passages, average length
 * and document frequencies are those of the collections searched, a language at a time: the frequencies are
 * counted from the very postings that are read for the question, so they are exact for any set of collections.
 */
export const k1 = 1.2
export const b = 0.75

/** A term of the question, analysed as text of one language. */
export interface QueryTerm {
  language: string
  term: string
  /** How often the question has it; it counts as often. */
  occurrences: number
}

export function idf(sql: Sql, passages: Fragment, df: Fragment): Fragment {
  return sql`ln(1 + (${passages} - ${df} + 0.5) / (${df} + 0.5))`
}

/**
 * `question`: its terms, numbered. `scope`: statistics a language. `hits`: each occurrence of a term in a passage.
 * `weights`: by a term's number, the passages that have it, and its idf times its occurrences in the question; a
 * term that no passage has is not there.
 */
export function termHits(sql: Sql, terms: QueryTerm[], collectionIds: readonly number[] | null): Fragment {
  return sql`
    question as (
      select * from unnest(
        ${textArray(terms.map((t) => t.term))}::text[],
        ${textArray(terms.map((t) => t.language))}::text[],
        ${numberArray(terms.map((t) => t.occurrences))}::int[]
      ) with ordinality as q (term, language, occurrences, n)
    ),
    scope as materialized (
      select language, sum(passages)::float8 as passages,
        sum(terms)::float8 / nullif(sum(passages), 0)::float8 as average_length,
        coalesce(sum(words)::float8 / nullif(sum(word_pieces), 0)::float8, 0) as coverage
      from collection_languages s where ${among(sql, sql`s.collection_id`, collectionIds)}
      group by language
    ),
    hits as materialized (
      select q.n, unnest(p.passage_ids) as passage_id,
        unnest(p.frequencies)::float8 as frequency, unnest(p.lengths)::float8 as length
      from question q join postings p on p.term = q.term and p.language = q.language
      where ${visible(sql, sql`p.version_id`)} and ${among(sql, sql`p.collection_id`, collectionIds)}
    ),
    weights as materialized (
      select q.n, q.language, f.df, q.occurrences * ${idf(sql, sql`s.passages`, sql`f.df`)} as weight, s.average_length
      from (select n, count(*)::float8 as df from hits group by n) as f
      join question q using (n) join scope s using (language)
    )`
}

/** `bm25`: the score of every passage that has a term. `lexical_best`: the candidates, with their rank. */
export function lexicalSide(
  sql: Sql,
  terms: QueryTerm[],
  collectionIds: readonly number[] | null,
  candidates: number,
): Fragment {
  // A passage has one language, and its postings have it too.
  return sql`
    ${termHits(sql, terms, collectionIds)},
    bm25 as materialized (
      select h.passage_id, min(w.language) as language, sum(
        w.weight * h.frequency * (${k1}::float8 + 1)
        / (h.frequency + ${k1}::float8 * (1 - ${b}::float8 + ${b}::float8 * h.length / w.average_length))
      ) as score
      from hits h join weights w using (n)
      group by h.passage_id
    ),
    lexical_best as materialized (
      -- Cut before it is numbered: numbering needs all of it sorted.
      select passage_id, language, score, row_number() over (order by score desc, passage_id) as rank
      from (
        select * from bm25 order by score desc, passage_id limit ${literal(sql, candidates)}
      ) as best
    )`
}
