/** What a person chose, kept in the browser: theme, language, length, rung, collection, and the text being typed. */
import { useSyncExternalStore } from 'react'
import type { RungName } from './wire.ts'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  language: 'system' | 'en' | 'es'
  length: 'short' | 'medium' | 'long'
  /** `auto` climbs the whole ladder. */
  rung: 'auto' | RungName
  /** A collection's name; empty asks all. */
  collection: string
}

const choices = {
  theme: ['system', 'light', 'dark'],
  language: ['system', 'en', 'es'],
  length: ['short', 'medium', 'long'],
  rung: ['auto', 'llm-service', 'local-model', 'context-only'],
} as const

export const settingChoices = choices

export const defaultSettings: Settings = {
  theme: 'system',
  language: 'system',
  length: 'medium',
  rung: 'auto',
  collection: '',
}

/** Tokens asked for; null leaves the backend's own limit. */
export const lengthTokens: Record<Settings['length'], number | null> = {
  short: 160,
  medium: null,
  long: 2_048,
}

const key = 'mentor.settings'
const draftKey = 'mentor.draft'
const collectionName = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Settings of stored text: what is missing, unknown or broken takes its default. */
export function readSettings(stored: string | null): Settings {
  const read = parsed(stored)
  const one = <Value extends string>(name: string, known: readonly Value[], otherwise: Value): Value =>
    known.find((choice) => choice === read[name]) ?? otherwise
  const collection = read.collection
  return {
    theme: one('theme', choices.theme, defaultSettings.theme),
    language: one('language', choices.language, defaultSettings.language),
    length: one('length', choices.length, defaultSettings.length),
    rung: one('rung', choices.rung, defaultSettings.rung),
    collection: typeof collection === 'string' && collectionName.test(collection) ? collection : '',
  }
}

function parsed(stored: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(stored ?? '')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

let current: Settings | null = null
const listeners = new Set<() => void>()

export function settings(): Settings {
  current ??= readSettings(recall(key))
  return current
}

export function changeSettings(change: Partial<Settings>): void {
  current = { ...settings(), ...change }
  keep(key, JSON.stringify(current))
  applyTheme()
  for (const listener of listeners) listener()
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, settings)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Follows the settings of other tabs, and puts the theme on the page. Called once, before the first render. */
export function openSettings(): void {
  applyTheme()
  window.addEventListener('storage', (event) => {
    if (event.key !== key) return
    current = readSettings(event.newValue)
    applyTheme()
    for (const listener of listeners) listener()
  })
}

/** styles.css reads it; `system` is the absence of a choice. */
function applyTheme(): void {
  const { theme } = settings()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

/** The question being typed, so that a reload does not lose it. */
export function keptDraft(): string {
  return recall(draftKey) ?? ''
}

export function keepDraft(text: string): void {
  keep(draftKey, text)
}

/** A browser that keeps nothing (private windows, full storage) throws: then the choice lasts until the reload. */
function keep(name: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {}
}

function recall(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
