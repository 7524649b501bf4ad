import { idf, lexicalSide, type QueryTerm, termHits } from './bm25.ts'
import { among, type Fragment, literal, type Sql } from './fragments.ts'
import { defaultFusion, type FusionSettings } from './fusion.ts'
import { analyse } from './lexical/terms.ts'
import { asked, denseSide } from './nearest.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'
import type { Space } from './spaces.ts'

export interface SearchHit {
  passageId: number
  documentId: string
  versionId: number
  title: string
  source: string
  collection: string
  text: string
  /** UTF-16 code units into the version's text, end exclusive. */
  start: number
  end: number
  page: number | null
  /** Outermost first. */
  heading: string[]
  language: string
  /** 0, 1, 2 … within the document. */
  ordinal: number
  /** Fused; 0 to 1 within one question. */
  score: number
  /** Cosine similarity and BM25; null where that side did not look, or shares no term with the question. */
  scores: { dense: number | null; lexical: number | null }
  /** 1-based, among the side's candidates; null outside of them. */
  ranks: { dense: number | null; lexical: number | null }
}

export interface SearchQuestion {
  space: Space
  mode: 'hybrid' | 'dense' | 'lexical'
  /** The question's embedding; null leaves the lexical side alone. */
  vector: Float32Array | null
  query: string
  /** Null searches all collections. */
  collectionIds: readonly number[] | null
  k: number
  fusion?: FusionSettings
}

/**
 * The best `k` passages for a question, best first, in one statement on both databases: vectors and BM25 each
 * name their candidates, the score that one side is missing is computed, and both are fused (see `fusion.ts`).
 * Everything is read in one snapshot. Ties go to the higher cosine, then to the older passage.
 */
export async function hybridSearch(db: Database, question: SearchQuestion): Promise<SearchHit[]> {
  const { space, collectionIds, mode } = question
  const settings = question.fusion ?? defaultFusion
  const vector = mode === 'lexical' ? null : question.vector
  const terms = mode === 'dense' ? [] : await analyseQuestion(db, question.query, collectionIds)
  if (vector === null && terms.length === 0) return []
  const rows = await reach(
    db,
    (sql) => sql<Row[]>`
      with
      ${asked(sql, space, vector)},
      ${lexicalSide(sql, terms, collectionIds, settings.candidates)},
      ${denseSide(sql, db.kind, space, vector !== null, collectionIds, settings.candidates)},
      ${candidates(sql, space, vector !== null)},
      ${fused(sql, { ...question, vector }, settings)}
      select f.passage_id as "passageId", d.id as "documentId", v.id as "versionId", v.title, d.source,
        c.name as collection, p.text, p.start_offset as start, p.end_offset as end, p.page,
        to_jsonb(p.heading) as heading, p.language, p.ordinal,
        f.score, f.cosine, f.bm25, f.dense_rank as "denseRank", f.lexical_rank as "lexicalRank"
      from fused f
      join passages p on p.id = f.passage_id
      join document_versions v on v.id = p.version_id
      join documents d on d.version_id = v.id
      join collections c on c.id = d.collection_id
      order by f.score desc, f.cosine desc nulls last, f.passage_id`,
  )
  return rows.map(toHit)
}

/** A term of the question in one language, with what the searched collections know of it. */
export interface TermStatistics {
  language: string
  term: string
  /** BM25's weight. */
  idf: number
  /** Passages in the language that have the term, and all passages in the language. */
  df: number
  passages: number
  /** Words / word pieces of the language's passages: how well the space's model knows it (see `fusion.ts`). */
  coverage: number
}

/** The question's terms with their weight in the searched collections, heaviest first; one that occurs nowhere too. */
export async function queryTerms(
  db: Database,
  query: string,
  collectionIds: readonly number[] | null,
): Promise<TermStatistics[]> {
  const terms = await analyseQuestion(db, query, collectionIds)
  if (terms.length === 0) return []
  const rows = await reach(
    db,
    (sql) => sql<TermStatistics[]>`
      with ${termHits(sql, terms, collectionIds)}
      select q.language, q.term, ${idf(sql, sql`s.passages`, sql`coalesce(w.df, 0)`)} as idf,
        coalesce(w.df, 0) as df, s.passages, s.coverage
      from question q join scope s using (language) left join weights w using (n)
      order by idf desc, q.term, q.language`,
  )
  return rows.map((row) => ({ ...row }))
}

/**
 * The question, analysed once in each language that the searched collections have: a question is too short to
 * tell its own language safely, and a wrong guess would find nothing.
 */
async function analyseQuestion(
  db: Database,
  query: string,
  collectionIds: readonly number[] | null,
): Promise<QueryTerm[]> {
  const languages = await reach(
    db,
    (sql) => sql<{ language: string }[]>`
      select distinct language from collection_languages s
      where ${among(sql, sql`s.collection_id`, collectionIds)} order by language`,
  )
  return languages.flatMap(({ language }) => {
    const occurrences = new Map<string, number>()
    for (const term of analyse(query, language)) occurrences.set(term, (occurrences.get(term) ?? 0) + 1)
    return [...occurrences].map(([term, n]) => ({ language, term, occurrences: n }))
  })
}

/** The candidates of both sides, each with its vector and both scores. A passage without a shared term has no BM25. */
function candidates(sql: Sql, space: Space, dense: boolean): Fragment {
  const missing = sql`(select v.embedding from passage_vectors v
          where v.space_id = ${literal(sql, space.id)} and v.passage_id = candidate.passage_id)`
  return sql`
    candidates as materialized (
      select candidate.passage_id, ${dense ? sql`coalesce(d.embedding, ${missing})` : sql`null::halfvec`} as embedding,
        b.score as bm25, d.rank as dense_rank, l.rank as lexical_rank
      from (select passage_id from dense_best union select passage_id from lexical_best) as candidate
      left join dense_best d on d.passage_id = candidate.passage_id
      left join lexical_best l on l.passage_id = candidate.passage_id
      left join bm25 b on b.passage_id = candidate.passage_id
    )`
}

/** `fused`: the best of the candidates, by the formula of `fusion.ts`. */
function fused(sql: Sql, question: SearchQuestion, settings: FusionSettings): Fragment {
  const { space, mode } = question
  const first = sql`
    weight as materialized (
      select ${weight(sql, question.vector === null ? 'lexical' : mode, settings)} as dense,
        nullif((select max(score) from lexical_best), 0) as best
    ),
    first as materialized (
      select c.*, w.dense * greatest(0, coalesce(c.cosine, 0)) + (1 - w.dense) * coalesce(c.bm25 / w.best, 0) as score
      from (select *, 1 - (embedding <=> (select vector from asked)) as cosine from candidates) as c
      cross join weight w
    )`
  const order: Fragment = sql`order by score desc, cosine desc nulls last, passage_id`
  if (question.vector === null || mode !== 'hybrid' || settings.feedback === 0) {
    return sql`${first}, fused as (select * from first ${order} limit ${question.k})`
  }
  return sql`
    ${first},
    ${moved(sql, space, settings, order)},
    fused as (
      select * from (
        select c.passage_id, c.cosine, c.bm25, c.dense_rank, c.lexical_rank,
          w.dense * greatest(0, coalesce(1 - (c.embedding <=> (select vector from moved)), 0))
            + (1 - w.dense) * coalesce(c.bm25 / w.best, 0) as score
        from first c cross join weight w
      ) as again ${order} limit ${question.k}
    )`
}

/** `moved`: the question's vector, moved towards those of the passages that are best so far (see `fusion.ts`). */
function moved(sql: Sql, space: Space, settings: FusionSettings, order: Fragment): Fragment {
  const { feedback, feedbackPassages, feedbackSpread, denseWeight } = settings
  const dimensions = literal(sql, space.dimensions)
  return sql`
    share as (select ${feedback}::float8 * dense / ${denseWeight}::float8 as moved from weight),
    towards as (
      select embedding, exp((score - max(score) over ()) / ${feedbackSpread}::float8) as weight
      from (
        select * from first where embedding is not null ${order} limit ${literal(sql, feedbackPassages)}
      ) as best
    ),
    moved as materialized (
      select sum(part.embedding::vector * array_fill(part.weight::real, array[${dimensions}])::vector)
        ::halfvec(${dimensions}) as vector
      from (
        select asked.vector as embedding, 1 - share.moved as weight from asked cross join share
        union all
        select t.embedding, share.moved * t.weight / sum(t.weight) over () from towards t cross join share
      ) as part
    )`
}

/** The cosine's weight for this question: that of the languages its lexical candidates are written in. */
function weight(sql: Sql, mode: SearchQuestion['mode'], settings: FusionSettings): Fragment {
  if (mode === 'lexical') return sql`0::float8`
  if (mode === 'dense') return sql`1::float8`
  const { denseWeight, coverageNone, coverageFull } = settings
  const known = sql`least(1, greatest(0,
    (s.coverage - ${coverageNone}::float8) / (${coverageFull}::float8 - ${coverageNone}::float8)))`
  return sql`coalesce((
    select sum(l.score * l.score * ${denseWeight}::float8 * power(${known}, 2)) / nullif(sum(l.score * l.score), 0)
    from lexical_best l join scope s using (language)
  ), ${denseWeight}::float8)`
}

interface Row extends Omit<SearchHit, 'scores' | 'ranks'> {
  cosine: number | null
  bm25: number | null
  denseRank: number | null
  lexicalRank: number | null
}

function toHit({ cosine, bm25, denseRank, lexicalRank, ...row }: Row): SearchHit {
  return {
    ...row,
    scores: { dense: cosine, lexical: bm25 },
    ranks: { dense: denseRank, lexical: lexicalRank },
  }
}
