import { describe, expect, test } from 'bun:test'
import { isWorthSending, pickedFiles } from '../../web/dropped-files.ts'
import { withReferences } from '../../web/references.ts'
import { defaultSettings, readSettings } from '../../web/settings.ts'
import { en } from '../../web/texts/en.ts'
import { es } from '../../web/texts/es.ts'
import { filtered, kindOf, noFilter } from '../../web/use-documents.ts'
import { textsFor } from '../../web/use-texts.ts'
import type { Answer, StoredDocument } from '../../web/wire.ts'

describe('settings', () => {
  test('what was kept is read', () => {
    const kept = { theme: 'dark', language: 'es', length: 'long', rung: 'local-model', collection: 'notes' }
    expect(readSettings(JSON.stringify(kept))).toEqual(kept as typeof defaultSettings)
  })

  test.each([
    null,
    '',
    '{',
    'null',
    '[]',
    '"dark"',
    '{"theme":"__proto__","length":7,"rung":"gpt","collection":"../etc"}',
  ])('%j gives the defaults', (kept) => {
    expect(readSettings(kept)).toEqual(defaultSettings)
  })
})

describe('language', () => {
  test.each([
    ['system', ['es-MX', 'en'], 'es'],
    ['system', ['fr', 'es', 'en'], 'es'],
    ['system', ['de'], 'en'],
    ['system', [], 'en'],
    ['en', ['es'], 'en'],
    ['es', ['en'], 'es'],
  ] as const)('%s with %j is %s', (chosen, preferred, expected) => {
    expect(textsFor(chosen, preferred).tag).toBe(expected)
  })

  test('nothing was left in English', () => {
    const pairs = leaves(en).map(([path, text]) => [
      path,
      text,
      leaves(es).find(([one]) => one === path)?.[1],
    ])
    // Names of languages, and words that are the same.
    const same = new Set([
      'settings.languages.en',
      'settings.languages.es',
      'spoken.',
      'keys.list.3.0',
      'keys.list.0.0',
    ])
    const left = pairs.filter(([path, text, other]) => text === other && !same.has(`${path}`))
    expect(left.filter(([, text]) => /[a-z]{4}/i.test(`${text}`))).toEqual([])
  })
})

function leaves(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`),
  )
}

describe('the list of documents', () => {
  const document = (title: string, more: Partial<StoredDocument> = {}): StoredDocument => ({
    id: title,
    title,
    source: `${title}.txt`,
    version: 1,
    collection: 'default',
    mediaType: 'text/plain',
    language: 'en',
    bytes: 10,
    passages: 1,
    warnings: [],
    updatedAt: '2026-01-01T00:00:00Z',
    ...more,
  })
  const all = [
    document('Garden 10', { bytes: 500, source: 'a/Garden 10.PDF' }),
    document('García', { language: 'es', updatedAt: '2026-02-01T00:00:00Z' }),
    document('Garden 9', { collection: 'old', passages: 7 }),
  ]
  const titles = (change: Partial<typeof noFilter>) =>
    filtered(all, { ...noFilter, ...change }, 'en').map(({ title }) => title)

  test('finds all words, whatever their case and accents, in title and source', () => {
    expect(titles({ search: 'GARCIA' })).toEqual(['García'])
    expect(titles({ search: 'pdf garden' })).toEqual(['Garden 10'])
    expect(titles({ search: 'garden nothing' })).toEqual([])
  })

  test('filters by kind, language and collection', () => {
    expect(titles({ kind: 'pdf' })).toEqual(['Garden 10'])
    expect(titles({ language: 'es' })).toEqual(['García'])
    expect(titles({ collection: 'old' })).toEqual(['Garden 9'])
    expect(kindOf({ source: 'no-ending', mediaType: 'text/html' })).toBe('text/html')
  })

  test('sorts', () => {
    expect(titles({ sort: 'title' })).toEqual(['García', 'Garden 9', 'Garden 10'])
    expect(titles({ sort: 'changed' })[0]).toBe('García')
    expect(titles({ sort: 'size' })[0]).toBe('Garden 10')
    expect(titles({ sort: 'passages' })[0]).toBe('Garden 9')
  })
})

describe('folders', () => {
  test.each(['notes/a.md', 'a.txt', 'src/main.ts', 'no-ending', 'notes/.well/a.md'])('%s', (path) => {
    expect(isWorthSending(path)).toBe(!path.includes('/.'))
  })
  test.each(['a/.DS_Store', 'a/node_modules/b/c.js', 'a/b.png', 'a/b.ZIP', 'a/__pycache__/x', '.git/config'])(
    '%s is left out',
    (path) => {
      expect(isWorthSending(path)).toBe(false)
    },
  )

  test('a single file is sent whatever it is', () => {
    const picked = pickedFiles([new File(['x'], 'picture.png')])
    expect(picked.files.map(({ name }) => name)).toEqual(['picture.png'])
    expect(picked.leftOut).toBe(0)
  })
})

test('a copied answer names its sources', () => {
  const citation = {
    number: 1,
    document: { id: 'd', title: 'Handbook', source: 'handbook.pdf', version: 1 },
    page: 3,
    heading: 'Leave',
    start: 0,
    end: 9,
    quote: 'Leave is\n28 days.',
  }
  const answer = { answer: 'It is 28 days. [1]', citations: [citation] } as unknown as Answer
  expect(withReferences(answer, en)).toBe(
    'It is 28 days. [1]\n\nSources:\n[1] Handbook, page 3 · Leave: “Leave is 28 days.”\n',
  )
  expect(withReferences({ ...answer, citations: [] }, en)).toBe('It is 28 days. [1]')
})
