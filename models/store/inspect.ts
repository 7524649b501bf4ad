/** What a GGUF file is to Mentor: a language model, a LoRA adapter, or something that it cannot use. */
import { GgufUnusable, readGguf } from '../gguf.ts'
import type { LockedModel } from './lock-file.ts'

export type GgufFacts = Pick<
  LockedModel,
  | 'architecture'
  | 'quantization'
  | 'parameterCount'
  | 'contextLength'
  | 'kvBytesPerToken'
  | 'baseModel'
  | 'licence'
> & { kind: 'llm' | 'adapter' }

/** @throws GgufUnusable with the file's path and why it is refused */
export function inspectGguf(path: string): GgufFacts {
  try {
    return factsOf(readGguf(path))
  } catch (error) {
    if (error instanceof GgufUnusable)
      throw new GgufUnusable(`${path} is refused: ${error.message}.`, { cause: error })
    throw error
  }
}

function factsOf(header: ReturnType<typeof readGguf>): GgufFacts {
  const { architecture, metadata, type, quantization, parameterCount } = header
  const { contextLength, kvBytesPerToken, baseModel } = header
  const parts = metadata.get('split.count')
  if (typeof parts === 'number' && parts > 1)
    throw new GgufUnusable(
      `it is one of ${parts} parts of a model. Join them first: llama-gguf-split --merge FIRST-PART JOINED.gguf`,
    )
  const licence = metadata.get('general.license')
  const facts = {
    architecture,
    quantization,
    parameterCount,
    contextLength,
    kvBytesPerToken,
    baseModel,
    licence: typeof licence === 'string' && licence.length <= 100 ? licence : null,
  }
  if (header.tensorCount === 0) throw new GgufUnusable('it holds no weights (a vocabulary alone, perhaps)')
  if (type === 'adapter') {
    const adapter = metadata.get('adapter.type')
    if (adapter !== 'lora') throw new GgufUnusable(`it is an adapter of type ${adapter}; only LoRA is known`)
    return { ...facts, kind: 'adapter' }
  }
  if (type === 'mmproj' || architecture === 'clip')
    throw new GgufUnusable(
      'it is the image part of a model (mmproj), which writes no text: take the model itself',
    )
  if (type !== 'model') throw new GgufUnusable(`it is of type ${type}, neither a model nor an adapter`)
  if (!metadata.has('tokenizer.ggml.model') || contextLength === null)
    throw new GgufUnusable(
      `its architecture ${architecture} is no language model: it has no ${contextLength === null ? 'context length' : 'tokenizer'}`,
    )
  if (metadata.get(`${architecture}.attention.causal`) === false || /bert|t5encoder|embed/.test(architecture))
    throw new GgufUnusable(
      `its architecture ${architecture} makes vectors or fills gaps, it does not write answers: take a model for chat`,
    )
  return { ...facts, kind: 'llm' }
}
