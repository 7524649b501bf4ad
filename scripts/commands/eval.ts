/** `mentor eval`: what retrieval, quoting and refusing are worth on a graded collection. */
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'
import type { Config } from '../config.ts'
import { type Evaluation, evaluate, modes } from '../eval/evaluate.ts'
import { readGradedCollection } from '../eval/graded-collection.ts'
import type { Estimate } from '../eval/measures.ts'
import { openTerminal, printable, type Terminal } from '../terminal.ts'

/** @param folder in BEIR's layout (see `scripts/eval/graded-collection.ts`) */
export async function evaluateCollection(
  config: Config,
  folder: string,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(json)
  const collection = await readGradedCollection(folder)
  const embedder = openEmbedder({ model: allMiniLM, workers: config.embeddingWorkers })
  const tell = (line: string) => terminal.line(terminal.dim(`${line} …`))
  try {
    const evaluation = await evaluate(collection, embedder, tell, signal)
    if (json) terminal.json({ collection: folder, judgements: collection.judgements, ...evaluation })
    else show(terminal, folder, evaluation)
  } finally {
    await embedder.close()
  }
}

function show(terminal: Terminal, folder: string, evaluation: Evaluation): void {
  const { documents, passages, questions, ranking, quoting, abstention, latency } = evaluation
  terminal.line(
    `\n${terminal.bold(printable(folder))}  ${documents} documents, ${passages} passages, ${questions} questions`,
  )
  terminal.line('\n           nDCG@10               MRR@10                recall@5              recall@10')
  for (const mode of modes) {
    const { ndcg10, mrr10, recall5, recall10 } = ranking[mode]
    terminal.line(`${mode.padEnd(9)}  ${[ndcg10, mrr10, recall5, recall10].map(interval).join('  ')}`)
  }
  if (quoting !== null) {
    terminal.line(`\nQuotes alone, ${quoting.questions} questions with answers`)
    terminal.line(`  first quote holds an answer   ${interval(quoting.first)}`)
    terminal.line(`  within ${quoting.quotes.toFixed(1)} quotes             ${interval(quoting.any)}`)
    terminal.line(`  citations that stand as quoted ${percent(quoting.citationsHold)}`)
  }
  if (abstention !== null) {
    const { answerable, unanswerable, curve } = abstention
    terminal.line(
      `\nWith half of the documents: ${answerable} questions have theirs, ${unanswerable} have not`,
    )
    for (const { threshold, answered, refused } of curve) {
      const name =
        threshold === 0 ? 'in force' : `threshold ${threshold > 0 ? '+' : ''}${threshold.toFixed(3)}`
      terminal.line(`  ${name.padEnd(18)} answered ${percent(answered)}, refused ${percent(refused)}`)
    }
  }
  terminal.line(`\nSearch, one at a time: ${latency.p50.toFixed(1)} ms p50, ${latency.p95.toFixed(1)} ms p95`)
}

function interval({ mean, low, high }: Estimate): string {
  return `${mean.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
