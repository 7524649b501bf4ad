/**
 * One onnxruntime session of one thread in a process of its own: `bun embedding/worker.ts MODEL`, the model as JSON.
 * A process, because a native crash ends it: here it costs one text, in a thread it would cost the whole server.
 * It reads requests from the channel it was spawned with and ends when that closes, however its parent ended.
 */
import { basename, dirname } from 'node:path'
import type { PreTrainedModel, Tensor } from '@huggingface/transformers'
import { type EmbeddingModel, ModelCorrupt, verifyModel } from '../models/bundled.ts'
import type { EmbedRequest, WorkerMessage } from './messages.ts'
import { meanPooled } from './pooling.ts'

const transformers = await import('@huggingface/transformers')

function tell(message: WorkerMessage): void {
  process.send?.(message)
}

/** Local files only: a model hub is never asked, and nothing is written beside the libraries. */
async function loadModel(model: EmbeddingModel): Promise<PreTrainedModel> {
  await verifyModel(model)
  const { AutoModel, env, LogLevel } = transformers
  env.allowRemoteModels = false
  env.useFSCache = false
  env.localModelPath = dirname(model.directory)
  // onnxruntime's warnings are about graph optimisations; errors come as exceptions.
  env.logLevel = LogLevel.ERROR
  return AutoModel.from_pretrained(basename(model.directory), {
    dtype: 'q8',
    device: 'cpu',
    local_files_only: true,
    session_options: {
      // One thread a session and one session a core is a quarter faster than one session of two threads.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // Without onnxruntime's arena and its plans for every length of text a worker takes 30 MB less, at the same speed.
      enableCpuMemArena: false,
      enableMemPattern: false,
    },
  })
}

/** One text, alone and without padding: int8 measures its activations over all that is in the run. */
async function embed(model: PreTrainedModel, ids: Int32Array, dimensions: number): Promise<Float32Array> {
  const { Tensor } = transformers
  const shape = [1, ids.length]
  const output = (await model({
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
    token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
  })) as { last_hidden_state: Tensor }
  return meanPooled(output.last_hidden_state.data as Float32Array, ids.length, dimensions)
}

async function answer(model: PreTrainedModel, dimensions: number, request: EmbedRequest): Promise<void> {
  const started = performance.now()
  try {
    const vector = await embed(model, request.ids, dimensions)
    tell({ type: 'vector', vector, ms: performance.now() - started })
  } catch (error) {
    tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
  }
}

async function work(settings: EmbeddingModel): Promise<void> {
  try {
    const model = await loadModel(settings)
    let last = Promise.resolve()
    process.on('message', (request: EmbedRequest) => {
      last = last.then(() => answer(model, settings.dimensions, request))
    })
    tell({ type: 'ready' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    tell({ type: 'unable', corrupt: error instanceof ModelCorrupt, reason })
    process.exitCode = 1
    process.disconnect?.()
  }
}

// Ctrl-C reaches the whole process group: the parent decides what is still to be finished.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
await work(JSON.parse(process.argv[2] ?? '') as EmbeddingModel)
