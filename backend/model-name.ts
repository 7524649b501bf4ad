/** What a client's `model` chooses: `mentor`, `mentor/COLLECTION`, either with `:RUNG` behind it. */
import { collectionName } from '../db/collections.ts'
import type { AskRequest } from './answer/types.ts'

export type ModelChoice = Pick<AskRequest, 'collection' | 'rung'>

export const modelName = 'mentor'
const rungs = ['auto', 'llm-service', 'local-model', 'context-only'] as const

/** Null for a name that is none of ours; whether the collection exists is found out when it is searched. */
export function modelChoice(name: string): ModelChoice | null {
  const [model = '', rung = 'auto', ...rest] = name.split(':')
  const chosen = rungs.find((one) => one === rung)
  if (chosen === undefined || rest.length > 0) return null
  if (model === modelName) return { rung: chosen }
  const collection = model.startsWith(`${modelName}/`) ? model.slice(modelName.length + 1) : ''
  return collectionName.test(collection) ? { collection, rung: chosen } : null
}
