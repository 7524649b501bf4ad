/** Which files are source code, by their extensions. */
import type { CodeFamily } from './code.ts'

const extensions: Record<CodeFamily, string> = {
  script: 'js mjs cjs jsx ts mts cts tsx vue svelte astro',
  managed: 'java cs kt kts scala groovy swift dart php',
  c: 'c h cc cpp cxx hpp hh hxx m mm cu',
  go: 'go',
  rust: 'rs',
  python: 'py pyi',
  ruby: 'rb ex exs',
  shell: 'sh bash zsh fish ps1',
  lua: 'lua r pl pm',
  sql: 'sql',
  settings: 'ini cfg conf toml properties',
  yaml: '',
  style: 'css scss less',
}

const families = new Map<string, CodeFamily>(
  Object.entries(extensions).flatMap(([family, all]) =>
    all.split(' ').map((extension): [string, CodeFamily] => [extension, family as CodeFamily]),
  ),
)
families.delete('')

/** In small letters, without the dot; empty for a name without one. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
}

/** Null for what is no source code. */
export function familyOfName(name: string): CodeFamily | null {
  return families.get(extensionOf(name)) ?? null
}
