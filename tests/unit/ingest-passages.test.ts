/** The promise of the product, before the database: every passage is a slice of the stored text, and none is too long. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { loadTokenizer, type Tokenizer } from '../../embedding/tokenizer.ts'
import { embeddingInput } from '../../ingest/embedding-input.ts'
import { extract } from '../../ingest/extract/extract.ts'
import type { Extracted } from '../../ingest/extract/extracted.ts'
import { titleFromName } from '../../ingest/extract/title.ts'
import { cutPassages, type Passage } from '../../ingest/passages.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { randomManual, seeded, writers } from './ingest-random-document.ts'

let tokenizer: Tokenizer
beforeAll(async () => {
  tokenizer = await loadTokenizer(allMiniLM)
})

const limit = allMiniLM.tokenLimit

function cut({ text, blocks, title }: Extracted, name = 'x.md'): Passage[] {
  const settings = {
    title: title ?? titleFromName(name),
    tokenLimit: limit,
    count: (t: string) => tokenizer.count(t),
  }
  return [...cutPassages(text, blocks, settings)]
}

const markdown = async (source: string) => {
  const extracted = await extract('x.md', new TextEncoder().encode(source))
  const passages = cut(extracted)
  return { passages, texts: passages.map((p) => extracted.text.slice(p.start, p.end)) }
}

/** Throws with what is wrong: one expect a property would be a million of them. */
function check({ text, blocks }: Extracted, passages: Passage[]): void {
  const isLow = (at: number) =>
    at < text.length && text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) <= 0xdfff
  let last = 0
  const covered = new Uint8Array(text.length)
  for (const { start, end, input } of passages) {
    const slice = text.slice(start, end)
    if (start < last || end <= start || end > text.length)
      throw new Error(`passage ${start}–${end} after ${last}`)
    if (slice !== slice.trim() || !slice.isWellFormed())
      throw new Error(`ragged edge at ${start}–${end}: ${slice}`)
    if (isLow(start) || isLow(end)) throw new Error(`cut inside a surrogate pair at ${start}–${end}`)
    if (!input.endsWith(slice)) throw new Error(`what is embedded does not end with the passage at ${start}`)
    const pieces = tokenizer.count(input) + 2
    if (pieces > limit) throw new Error(`${pieces} word pieces at ${start}–${end}`)
    covered.fill(1, start, end)
    last = end
  }
  const named = new Set(passages.flatMap((passage) => passage.heading))
  for (const block of blocks) {
    const words = text.slice(block.start, block.end)
    if (block.kind === 'heading' && named.has(words.replace(/^#+ /, '').replace(/\s+/g, ' '))) continue
    for (let at = block.start; at < block.end; at++)
      if (!covered[at] && /\S/.test(text[at] ?? '')) {
        if (block.kind === 'heading' && blocks.some((b) => b.start > block.start && b.heading.length > 0))
          break
        throw new Error(`"${text[at]}" at ${at} of ${block.kind} ${words} is in no passage`)
      }
  }
}

describe('the offset promise', () => {
  for (const [format, write] of Object.entries(writers))
    test(`holds for random documents as ${format}`, async () => {
      const rounds = ['md', 'txt', 'html'].includes(format) ? 40 : 12
      for (let seed = 1; seed <= rounds; seed++) {
        const random = seeded(seed)
        const manual = randomManual(random, format === 'pdf' ? 'latin' : 'every')
        const bytes = write(manual, random)
        const extracted = await extract(`random.${format}`, bytes)
        const passages = cut(extracted)
        try {
          expect(passages.length).toBeGreaterThan(0)
          check(extracted, passages)
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`)
        }
        expect(cut(await extract(`random.${format}`, bytes))).toEqual(passages)
      }
    })

  test('stored text of md and txt is the decoded file', async () => {
    for (let seed = 100; seed < 110; seed++)
      for (const format of ['md', 'txt']) {
        const bytes = writers[format]?.(randomManual(seeded(seed), 'every'), seeded(seed)) ?? new Uint8Array()
        const { text } = await extract(`random.${format}`, bytes)
        expect(text).toBe(new TextDecoder().decode(bytes))
      }
  })
})

describe('structure', () => {
  test('a heading begins a passage and is carried, not repeated', async () => {
    const { passages, texts } = await markdown(
      '# Tea\n\nLeaves.\n\n## Green\n\nCool water.\n\n## Black\n\nHot water.\n',
    )
    expect(texts).toEqual(['Leaves.', 'Cool water.', 'Hot water.'])
    expect(passages.map((p) => p.heading)).toEqual([['Tea'], ['Tea', 'Green'], ['Tea', 'Black']])
    expect(passages.map((p) => p.input)).toEqual([
      'Tea\nLeaves.',
      'Tea\nGreen\nCool water.',
      'Tea\nBlack\nHot water.',
    ])
  })

  test('a heading with nothing below it is a passage', async () => {
    const { texts } = await markdown('# Rules\n\n## No dogs in the glasshouse\n\n## No bicycles\n')
    expect(texts).toEqual(['## No dogs in the glasshouse\n\n## No bicycles'])
  })

  test('paragraphs are packed, a section is shared out evenly', async () => {
    const paragraph = `${'Plain words that everybody knows. '.repeat(12).trim()}\n\n`
    const { texts } = await markdown(`# T\n\n${paragraph.repeat(5)}`)
    const lengths = texts.map((text) => tokenizer.count(text))
    expect(texts.length).toBe(2)
    expect(Math.max(...lengths)).toBeLessThan(limit)
    expect(Math.min(...lengths)).toBeGreaterThan(100)
  })

  test('a long paragraph is cut between sentences', async () => {
    const sentences = Array.from(
      { length: 60 },
      (_, i) => `Sentence number ${i} says something about the garden.`,
    )
    const { texts } = await markdown(sentences.join(' '))
    expect(texts.length).toBeGreaterThan(2)
    for (const text of texts) expect(text).toMatch(/^Sentence .*garden\.$/s)
    expect(texts.join(' ')).toBe(sentences.join(' '))
  })

  test('hard-wrapped lines do not end sentences, and abbreviations neither', async () => {
    const wrapped = Array.from(
      { length: 40 },
      (_, i) =>
        `Dr. Smith of house ${i} says that the long line\nwent on here and was then closed, e.g. at noon.`,
    )
    const { texts } = await markdown(wrapped.join('\n'))
    expect(texts.length).toBeGreaterThan(1)
    for (const text of texts) expect(text).toMatch(/^Dr\. Smith[\s\S]*noon\.$/)
  })

  test('list items and table rows stay whole, and rows carry their header', async () => {
    const items = Array.from({ length: 40 }, (_, i) => `- item ${i}: water it twice a week in the morning`)
    const list = await markdown(items.join('\n'))
    expect(list.texts.flatMap((text) => text.split('\n'))).toEqual(items)
    const rows = Array.from({ length: 60 }, (_, i) => `| plant ${i} | shed ${i} | ${i} cm |`)
    const table = await markdown(`| Plant | Place | Size |\n|---|---|---|\n${rows.join('\n')}\n`)
    expect(table.texts.length).toBeGreaterThan(1)
    for (const [i, text] of table.texts.entries()) {
      expect(text).toMatch(/^\|[\s\S]*\|$/)
      expect(table.passages[i]?.input).toContain('| Plant | Place | Size |')
    }
  })

  test('a table that fits is one passage, its last row too', async () => {
    const rows = ['Dublin | 10 | 2', 'Berlin | 9 | 1', 'Madrid | 14 | 0', 'Vienna | 13 | 1']
    const table = `| Office | Public holidays | Bridge days |\n|--------|-----------------|-------------|\n`
    const { texts } = await markdown(`# Offices\n\n${table}${rows.map((row) => `| ${row} |`).join('\n')}\n`)
    expect(texts).toHaveLength(1)
    expect(texts[0]).toEndWith('| Vienna | 13 | 1 |')
  })

  test('code is cut at lines', async () => {
    const lines = Array.from({ length: 120 }, (_, i) => `  const value_${i} = compute(${i}, "x")`)
    const { texts } = await markdown(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``)
    expect(texts.length).toBeGreaterThan(1)
    for (const line of lines)
      expect(texts.filter((text) => text.includes(`${line.trim()}`)).length).toBeGreaterThan(0)
  })

  test('one word of 2 MB is cut, never inside a letter', async () => {
    for (const letter of ['a', '😀', 'я']) {
      const extracted = await extract(
        'w.txt',
        new TextEncoder().encode(letter.repeat(2_000_000 / letter.length / 20)),
      )
      const passages = cut(extracted)
      check(extracted, passages)
      expect(passages.length).toBeGreaterThan(20)
    }
    const family = '👩‍👩‍👧‍👦'
    const extracted = await extract('f.txt', new TextEncoder().encode(family.repeat(1000)))
    for (const { start, end } of cut(extracted))
      expect(extracted.text.slice(start, end).replaceAll(family, '')).toBe('')
  })

  test('headings longer than the limit leave room for the text', async () => {
    const long = 'An endless heading of many different words '.repeat(30)
    const extracted = await extract(
      'x.md',
      new TextEncoder().encode(`# ${long}\n\n## ${long}\n\n${'Some text here. '.repeat(200)}`),
    )
    const passages = cut(extracted)
    check(extracted, passages)
    expect(passages.length).toBeLessThan(8)
  })
})

describe('what is embedded', () => {
  test('title, headings, passage, each once', () => {
    expect(embeddingInput('Tea', ['Tea', 'Green'], 'Cool water.')).toBe('Tea\nGreen\nCool water.')
    expect(embeddingInput('Tea', [], 'Tea\n\nis a leaf.')).toBe('Tea\n\nis a leaf.')
  })

  test('a title without a word says nothing', () => {
    expect(embeddingInput('01-1', [], 'Words.')).toBe('Words.')
  })
})
