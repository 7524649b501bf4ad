/** The texts of the page in the person's language. */
import { useEffect } from 'react'
import { type Settings, useSettings } from './settings.ts'
import { en, type Texts } from './texts/en.ts'
import { es } from './texts/es.ts'

export function useTexts(): Texts {
  return textsFor(useSettings().language, navigator.languages)
}

/** @param preferred the browser's languages, most wanted first */
export function textsFor(language: Settings['language'], preferred: readonly string[]): Texts {
  if (language !== 'system') return language === 'es' ? es : en
  const wanted = preferred.find((tag) => /^(en|es)\b/i.test(tag))
  return wanted !== undefined && /^es\b/i.test(wanted) ? es : en
}

/** Says the language to the browser and to assistive technology. */
export function usePageLanguage(texts: Texts): void {
  useEffect(() => {
    document.documentElement.lang = texts.tag
  }, [texts])
}
