/** What the parser's parent and child say to each other. One request is open at a time. */
import type { EmbeddingModel } from '../../models/bundled.ts'
import type { PreparedDocument, PreparedPassage } from '../prepare.ts'

export type Request =
  | { kind: 'start'; model: EmbeddingModel; memoryLimit: number }
  | { kind: 'open'; name: string; bytes: Uint8Array; asPlainText: boolean }
  /** The next passages of the open file. */
  | { kind: 'next' }

export type Reply =
  | { kind: 'started' }
  | { kind: 'page' }
  | { kind: 'opened'; document: PreparedDocument }
  | { kind: 'passages'; passages: PreparedPassage[]; done: boolean; memory: number }
  | { kind: 'refused'; code: string; reason: string }
