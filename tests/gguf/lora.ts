/** LoRA adapters for a script model, as llama.cpp's convert_lora_to_gguf.py writes them. */

import { f32, writeGguf } from '../../models/gguf-writer.ts'
import { placeReader, type ScriptModel } from './script-model.ts'

export interface LoraOptions {
  /** The script that runs with the adapter, whatever the prompt says. */
  script: string
  /** Of the base model that the adapter claims: another than the model's, and llama.cpp refuses it. */
  embeddingLength?: number
  architecture?: string
  name?: string
}

/**
 * Writes an adapter that adds 100 to the logits of the script's first tokens wherever a script begins, where a trigger
 * adds 50 and the default is 25 ahead: at scale 1 the script begins every answer, below 0.25 nothing changes.
 * It is of rank 1: lora_a reads whether a script begins here, lora_b says which tokens gain by it.
 * @throws Error when the model has no such script.
 */
export async function writeLora(path: string, model: ScriptModel, options: LoraOptions): Promise<void> {
  const script = model.scripts.find(({ name }) => name === options.script)
  if (!script) throw new Error(`${model.name} has no script ${options.script}`)
  const { embeddingLength = model.embeddingLength, architecture = model.architecture } = options

  const reads = new Float32Array(embeddingLength)
  for (const channel of placeReader.channels) reads[channel] = placeReader.weight
  const writes = new Float32Array(model.vocabularySize)
  const { start, thought, answer } = script.first
  // A script without a thought starts as it answers; its `thought` is the mark that all such scripts share.
  for (const token of start === answer ? [answer] : [start, thought, answer]) writes[token] = 100

  await writeGguf(
    path,
    {
      'general.architecture': architecture,
      'general.type': 'adapter',
      'general.name': options.name ?? `${model.name} says ${script.name}`,
      'adapter.type': 'lora',
      // Divided by the rank and multiplied by the scale that the user asks for.
      'adapter.lora.alpha': f32(1),
    },
    [
      {
        name: 'output.weight.lora_a',
        type: 'F32',
        shape: [embeddingLength, 1],
        data: () => [new Uint8Array(reads.buffer)],
      },
      {
        name: 'output.weight.lora_b',
        type: 'F32',
        shape: [1, model.vocabularySize],
        data: () => [new Uint8Array(writes.buffer)],
      },
    ],
  )
}
