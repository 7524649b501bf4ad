/** The embedding models that ship with the project, and the proof that their files are the ones that were tested. */
import { join } from 'node:path'

export interface EmbeddingModel {
  name: string
  /** SHA-256 of the weights file, hex: vectors of different revisions are never compared. */
  revision: string
  /** Numbers a vector. */
  dimensions: number
  /** Most word pieces of a text that the model reads, its two special tokens included. */
  tokenLimit: number
  /** Absolute. */
  directory: string
  /** The weights file, relative to the directory. */
  weights: string
  licence: string
}

/**
 * all-MiniLM-L6-v2: English, trained at 256 word pieces. Its weights are int8; see NOTICE beside them. The range of
 * the activations is measured over the whole run, padding included, so a text must be alone in its run.
 */
export const allMiniLM: EmbeddingModel = {
  name: 'all-MiniLM-L6-v2',
  revision: 'd418c15e0be74b85fee1969171593fb0c382dc46ba42b6ee0ac4669734929984',
  dimensions: 384,
  tokenLimit: 256,
  directory: join(import.meta.dir, 'all-MiniLM-L6-v2'),
  weights: 'onnx/model_quantized.onnx',
  licence: 'Apache-2.0',
}

/** SHA-256 of the other files that decide what a text's vector is, by model revision. */
const COMPANIONS: Record<string, Record<string, string>> = {
  [allMiniLM.revision]: {
    'config.json': '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
    'tokenizer.json': 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
    'tokenizer_config.json': 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b',
  },
}

/** A model's file is missing or not the one that was tested. It is refused: wrong weights give wrong answers in silence. */
export class ModelCorrupt extends Error {
  override readonly name = 'ModelCorrupt'
}

/**
 * Reads one of a model's files and checks it against its SHA-256; what is returned is what was checked.
 *
 * @throws ModelCorrupt when the file is missing, unreadable or different, with the way to restore it.
 */
export async function readVerified(model: EmbeddingModel, file: string): Promise<Uint8Array> {
  const expected = file === model.weights ? model.revision : COMPANIONS[model.revision]?.[file]
  const path = join(model.directory, file)
  const advice = `Restore it with: git checkout -- ${path}`
  if (!expected) throw new ModelCorrupt(`No checksum is known for ${path}: it is no file of ${model.name}.`)
  let bytes: Uint8Array
  try {
    bytes = await Bun.file(path).bytes()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ModelCorrupt(`${path} cannot be read (${reason}). ${advice}`, { cause })
  }
  const found = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
  if (found === expected) return bytes
  throw new ModelCorrupt(
    `${path} is not the file that ${model.name} was tested with: its SHA-256 is ${found}, expected ${expected}, ` +
      `${bytes.length} bytes. A download cut short or a Git LFS pointer look like this. ${advice}`,
  )
}

/**
 * Checks every file of a model that decides about its vectors: 24 MB, 20 to 60 ms.
 *
 * @throws ModelCorrupt naming the first file that is missing or different.
 */
export async function verifyModel(model: EmbeddingModel): Promise<void> {
  await readVerified(model, model.weights)
  for (const file of Object.keys(COMPANIONS[model.revision] ?? {})) await readVerified(model, file)
}
