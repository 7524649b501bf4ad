/** The grammar that an answer must follow, as llama.cpp checks it token by token. */
import { LlamaGrammar } from 'node-llama-cpp'
import { EngineError, type Format } from '../types.ts'
import { grammarOf, jsonGrammar, SchemaRefused } from './json-schema.ts'
import { grammarState, type Native, type NativeGrammarState, type NativeModel } from './native.ts'

/** Clients send one schema with each of their requests, and reading a large one takes up to half a second. */
const mostKept = 32

export interface Grammars {
  /** A state at the format's beginning. @throws EngineError `bad_request` when the schema cannot be followed */
  begin(format: Format): NativeGrammarState
}

export function openGrammars(native: Native, model: NativeModel): Grammars {
  const kept = new Map<string, LlamaGrammar>()
  return {
    begin(format) {
      const key = JSON.stringify(format)
      const grammar = kept.get(key) ?? compile(native, format)
      kept.delete(key)
      kept.set(key, grammar)
      const [oldest] = kept.keys()
      if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
      return grammarState(native, model, grammar)
    },
  }
}

function compile({ llama }: Native, format: Format): LlamaGrammar {
  const text = format.kind === 'json' ? jsonGrammar() : fromSchema(format.schema)
  try {
    return new LlamaGrammar(llama, { grammar: text })
  } catch {
    throw new EngineError('bad_request', 'The JSON schema makes a grammar that llama.cpp does not take.')
  }
}

function fromSchema(schema: unknown): string {
  try {
    return grammarOf(schema)
  } catch (error) {
    if (error instanceof SchemaRefused) throw new EngineError('bad_request', error.message)
    throw error
  }
}
