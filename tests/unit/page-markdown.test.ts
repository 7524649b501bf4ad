import { describe, expect, test } from 'bun:test'
import type { Nodes } from 'mdast'
import { type Block, blocksOf, openBlocks, safeAddress } from '../../web/markdown.ts'

/** The kinds of nodes in a text, and the text that they hold. */
function read(blocks: Block[]): { kinds: Set<string>; text: string } {
  const kinds = new Set<string>()
  let text = ''
  const visit = (node: Nodes) => {
    kinds.add(node.type)
    if ('value' in node) text += node.value
    if ('children' in node) for (const child of node.children) visit(child)
  }
  for (const { node, source } of blocks) {
    if (node === null) text += source
    else visit(node)
  }
  return { kinds, text }
}

const answer = `Leave is 28 days. [1] It is **counted** from *January*.

## Who

- gardeners [2]
  1. of the first section
  2. of the second

| Who | Days |
| --- | ---: |
| Gardeners | 28 |

\`\`\`ts
const days = 28
\`\`\`

> Ask ahead. [1]

The end.`

describe('what is read', () => {
  test('GFM: emphasis, headings, lists, tables, code, quotes', () => {
    const { kinds } = read(blocksOf(answer))
    for (const kind of ['strong', 'emphasis', 'heading', 'list', 'table', 'code', 'blockquote']) {
      expect(kinds).toContain(kind)
    }
  })

  test('HTML is text', () => {
    const html =
      'a <b>b</b> <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n<svg onload=alert(1)>'
    const { kinds, text } = read(blocksOf(html))
    expect([...kinds].sort()).toEqual(['paragraph', 'text'])
    expect(text).toBe(html.replaceAll('\n\n', ''))
  })

  test('no text can define what a citation number means', () => {
    const { kinds, text } = read(blocksOf('Ask [1] or [2][1].\n\n[1]: https://evil.example/\n'))
    expect(kinds).not.toContain('linkReference')
    expect(kinds).not.toContain('definition')
    expect(text).toContain('[2][1]')
  })

  test('indented text and underlined lines stay what they are', () => {
    expect([...read(blocksOf('    indented')).kinds]).toEqual(['paragraph', 'text'])
    expect(read(blocksOf('a line\n---')).kinds).not.toContain('heading')
  })
})

describe('a stream', () => {
  test.each([1, 3, 7, 40])('in pieces of %d it ends as the whole text does', (size) => {
    const stream = openBlocks()
    for (let end = size; end < answer.length; end += size) stream(answer.slice(0, end), true)
    const bare = (blocks: Block[]) =>
      blocks.map(({ start, source, node }) => ({ start, source, type: node?.type }))
    expect(bare(stream(answer, false))).toEqual(bare(blocksOf(answer)))
  })

  test('blocks that are over keep their nodes', () => {
    const stream = openBlocks()
    const first = stream('One.\n\nTwo.\n\nThr', true)
    const then = stream('One.\n\nTwo.\n\nThree.', true)
    expect(then[0]?.node).toBe(first[0]?.node ?? null)
    expect(then[1]?.node).toBe(first[1]?.node ?? null)
  })

  test('a mark that is not closed yet does not show and does not flicker', () => {
    const stream = openBlocks()
    for (const text of ['It is **co', 'It is **counted', 'It is **counted** so']) {
      const { kinds, text: shown } = read(stream(text, true))
      expect(kinds).toContain('strong')
      expect(shown).not.toContain('*')
    }
    expect(read(stream('```ts\nconst a', true)).kinds).toContain('code')
  })

  test('another text starts anew', () => {
    const stream = openBlocks()
    stream('One.\n\nTwo.', true)
    expect(read(stream('Other.\n\nWords.', false)).text).toBe('Other.Words.')
  })
})

describe('texts made to take long are shown as they stand', () => {
  test.each([
    ['100,000 nested quotes', '>'.repeat(100_000)],
    ['10,000 nested quotes', '> '.repeat(10_000)],
    ['nested lists', `${'- '.repeat(9_000)}x`],
    ['nested numbers', `${'1. '.repeat(9_000)}x`],
    ['lists nested line by line', Array.from({ length: 180 }, (_, n) => `${'  '.repeat(n)}- x`).join('\n')],
    ['marks that never close', '**a*'.repeat(9_000)],
    ['brackets', '['.repeat(30_000)],
  ])('%s', (_, text) => {
    for (const blocks of [blocksOf(text), openBlocks()(text, true)]) {
      expect(blocks.map(({ node, source }) => ({ node, source }))).toEqual([{ node: null, source: text }])
    }
  })

  test('an ordinary long answer is not among them', () => {
    const long = `${answer}\n\n`.repeat(40)
    expect(long.length).toBeGreaterThan(8_000)
    expect(blocksOf(long).every(({ node }) => node !== null)).toBe(true)
  })
})

describe('addresses', () => {
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:http://x/y',
    '//evil.example/x',
    '/api/documents',
    '#top',
    '',
    'http://',
  ])('%j is none', (url) => {
    expect(safeAddress(url)).toBeNull()
  })

  test.each(['https://example.org/a?b#c', 'http://example.org/', 'mailto:garden@example.org'])(
    '%s is one',
    (url) => {
      expect(safeAddress(url)).toBe(url)
    },
  )
})
