/**
 * JSON Schemas into grammars that llama.cpp generates by (GBNF).
 *
 * Source of the syntax: llama.cpp, grammars/README.md and src/llama-grammar.cpp. Source of the subset: OpenAI's
 * structured outputs (platform.openai.com/docs/guides/structured-outputs, "Supported schemas"), and what zod and
 * pydantic send beside it. node-llama-cpp's own converter turns what it does not know into `null` without a word and
 * makes every property required; here what is not supported is refused by name.
 *
 * Stricter than JSON Schema in what is generated, never looser: objects with properties have no others unless
 * additionalProperties says so, properties come in the schema's order, a tuple is whole, a keyword implies its type.
 * oneOf is read as anyOf. Names that occur twice among additional properties are the one thing a grammar cannot see.
 */
import { checkOpenness } from './json-schema/openness.ts'
import { openReader } from './json-schema/read.ts'
import { shapesOf } from './json-schema/shapes.ts'
import { writeGrammar } from './json-schema/write.ts'

export { SchemaRefused } from './json-schema/refused.ts'

/**
 * The grammar of the JSON texts that satisfy a schema. After the value only the end of the text is allowed.
 * @throws SchemaRefused, whose message says which keyword at which place; it holds no values of the schema
 */
export function grammarOf(schema: unknown): string {
  const { root, rules } = shapesOf(openReader(schema))
  checkOpenness(rules)
  return writeGrammar(root)
}

/** The grammar of any JSON object: OpenAI's `json_object`. */
export function jsonGrammar(): string {
  return grammarOf({ type: 'object' })
}
