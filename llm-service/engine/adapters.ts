/** LoRA adapters of a loaded model. A decode applies one set of them, so requests with different sets take turns. */
import { stat } from 'node:fs/promises'
import { type AdapterUse, EngineError } from '../types.ts'
import type { Loaded } from './load.ts'
import type { NativeContext, NativeLora } from './native.ts'

export interface Adapters {
  /**
   * The same key for the same adapters with the same weights, in whatever order; empty for none.
   * @throws EngineError `unknown_adapter`
   */
  key(uses: AdapterUse[]): string
  /** Makes the context evaluate with the set that a key names. */
  apply(context: NativeContext, key: string): void
  /** Another file under a known name takes its place. @throws EngineError `bad_request` when llama.cpp refuses it */
  load(adapter: { name: string; file: string }): Promise<void>
}

export async function openAdapters(
  { native, model }: Loaded,
  first: { name: string; file: string }[],
  log: (line: string) => void,
): Promise<Adapters> {
  const loaded = new Map<string, { lora: NativeLora; state: string }>()
  /** Every one that was ever loaded, by the key's name for it: a request under way goes on with the file it began with. */
  const known = new Map<string, NativeLora>()
  let applied = ''

  const adapters: Adapters = {
    key(uses) {
      const used = uses.flatMap(({ name, scale }) => {
        const state = loaded.get(name)?.state
        if (state !== undefined) return scale === 0 ? [] : [[state, scale] as const]
        const there = [...loaded.keys()].map((other) => `“${other}”`).join(', ') || 'none'
        throw new EngineError('unknown_adapter', `No adapter of that name is loaded. Loaded: ${there}.`)
      })
      return used.length === 0 ? '' : JSON.stringify(used.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    },
    apply(context, key) {
      if (key === applied) return
      const uses = key === '' ? [] : (JSON.parse(key) as [string, number][])
      const wanted = uses.flatMap(([state, scale]) => {
        const lora = known.get(state)
        return lora === undefined ? [] : [{ lora, scale }]
      })
      context.setLoras(
        wanted.map(({ lora }) => lora),
        wanted.map(({ scale }) => scale),
      )
      applied = key
    },
    async load({ name, file }) {
      const { ino, size, mtimeMs } = await stat(file)
      const state = `${name} ${ino} ${size} ${mtimeMs}`
      if (loaded.get(name)?.state === state) return
      const lora = new native.bindings.AddonModelLora(model, file)
      try {
        await model.loadLora(lora)
      } catch {
        throw new EngineError(
          'bad_request',
          `The adapter “${name}” is not for this model: its base model is another one, or the file is damaged.`,
        )
      }
      known.set(state, lora)
      loaded.set(name, { lora, state })
    },
  }
  for (const adapter of first) {
    await adapters.load(adapter).catch((error: unknown) => log(String(error)))
  }
  return adapters
}
