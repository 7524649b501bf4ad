import { describe, expect, test } from 'bun:test'
import { extract } from '../../ingest/extract/extract.ts'
import type { Extracted } from '../../ingest/extract/extracted.ts'
import type { Manual } from '../../scripts/samples/contents.ts'
import { writeDocx } from '../../scripts/samples/docx.ts'
import { writePdf } from '../../scripts/samples/pdf.ts'

const read = (name: string, content: string | Uint8Array) =>
  extract(name, typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content))

/** Blocks as `kind heading > path: words`, short enough to compare. */
function outline({ text, blocks }: Extracted): string[] {
  return blocks.map(({ kind, heading, start, end, page }) => {
    const above = heading.length > 0 ? ` ${heading.join(' > ')}` : ''
    return `${kind}${page === null ? '' : ` p${page}`}${above}: ${text.slice(start, end)}`
  })
}

describe('Markdown', () => {
  test('keeps the source as its text and points into it', async () => {
    const source =
      '# Tea\r\n\r\nWarm the *pot*.\r\n\r\n## Steps\r\n\r\n1. Boil\r\n2. Pour\r\n   - slowly\r\n\r\n> Wait.\r\n'
    const page = await read('tea.md', source)
    expect(page.text).toBe(source)
    expect(page.title).toBe('Tea')
    expect(outline(page)).toEqual([
      'heading: # Tea',
      'paragraph Tea: Warm the *pot*.',
      'heading Tea: ## Steps',
      'list-item Tea > Steps: 1. Boil',
      'list-item Tea > Steps: 2. Pour',
      'list-item Tea > Steps: - slowly',
      'quote Tea > Steps: Wait.',
    ])
  })

  test('gives table rows their header, and leaves code whole', async () => {
    const page = await read('t.md', '| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x = 1\n\nx++\n```\n')
    expect(page.blocks.map((b) => b.header)).toEqual([null, '| a | b |', null])
    expect(outline(page)[2]).toBe('code: ```js\nlet x = 1\n\nx++\n```')
  })

  test('takes the title of the front matter and never evaluates it', async () => {
    const bomb =
      '---\ntitle: "Trees: a guide"\n__proto__: { polluted: true }\na: &a [*a, *a]\n---\n\n# Other\n\nWords.\n'
    const page = await read('x.md', bomb)
    expect(page.title).toBe('Trees: a guide')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect((await read('y.md', '+++\ntitle = "Toml"\n+++\nWords.\n')).title).toBe('Toml')
  })

  test('leaves out embedded images, scripts and comments, and says so of the images', async () => {
    const image = `![plan](data:image/png;base64,${'iVBORw0KGgo'.repeat(30_000)})`
    const page = await read(
      'i.md',
      `Before ${image} after.\n\n<!-- secret -->\n\n<script>steal()</script>\n\nEnd.\n`,
    )
    expect(outline(page)).toEqual(['paragraph: Before', 'paragraph: after.', 'paragraph: End.'])
    expect(page.warnings).toEqual(['1 image embedded as base64 left out of the passages'])
  })

  test('is read in parts when it is long, with the same blocks', async () => {
    const section = (i: number) =>
      `## Part ${i}\n\nSome words about part ${i}, and a [link](http://x.y/${i}).\n\n- one\n- two\n\n`
    const source = `# Long\n\n${Array.from({ length: 2500 }, (_, i) => section(i)).join('')}`
    expect(source.length).toBeGreaterThan(200_000)
    const page = await read('long.md', source)
    expect(page.warnings).toEqual([])
    expect(page.blocks).toHaveLength(1 + 2500 * 4)
    expect(page.blocks.every((b) => b.kind === 'heading' || b.heading.length === 2)).toBe(true)
    expect(outline(page).at(-1)).toBe('list-item Long > Part 2499: - two')
  })
})

describe('plain text', () => {
  test('has paragraphs, bullets and the headings people write', async () => {
    const source =
      'Garden rules\n\nNo picking of\nflowers.\n\nTOOLS\n\n- spade\n- fork,\n  brushed\n\nSheds\n-----\nClose them.\n'
    const page = await read('rules.txt', source)
    expect(page.title).toBe('Garden rules')
    expect(outline(page)).toEqual([
      'paragraph: Garden rules',
      'paragraph: No picking of\nflowers.',
      'heading: TOOLS',
      'list-item TOOLS: - spade',
      'list-item TOOLS: - fork,\n  brushed',
      'heading: Sheds',
      'paragraph Sheds: Close them.',
    ])
  })

  test('has no title of its own when it opens with a paragraph', async () => {
    expect((await read('x.txt', 'Two lines\nof text.\n\nMore.')).title).toBeNull()
  })

  test('may be one line of megabytes, or a million lines', async () => {
    const line = await read('l.txt', 'word and more. '.repeat(400_000))
    expect(line.blocks).toHaveLength(1)
    const lines = await read('m.txt', 'line\n'.repeat(1_000_000))
    expect(lines.blocks).toHaveLength(1)
  })
})

describe('HTML', () => {
  test('is what a reader sees: scripts, navigation and what is hidden are not', async () => {
    const page = await read(
      'p.html',
      `<!doctype html><title>Site</title><nav>Menu</nav><header>Banner</header><script>alert(1)</script>
       <main><h1>Bees</h1><p>Honey &amp; <b>wax</b>,<br>10<sup>6</sup> cells.</p><p hidden>Secret</p>
       <p style="display: none">Hidden</p><ul><li>one<ol><li>deep</li></ol></li><li>two</li></ul>
       <img src=x onerror=steal()><svg><text>drawn</text></svg><template>no</template><!-- no --></main><footer>Foot</footer>`,
    )
    expect(page.title).toBe('Bees')
    expect(page.text).toBe('Bees\n\nHoney & wax,\n10^6 cells.\n\n- one\n  1. deep\n- two')
    expect(outline(page)).toContain('list-item Bees: 1. deep')
  })

  test('says in every table row what its values are', async () => {
    const page = await read(
      't.html',
      '<table><caption>Hours</caption><tr><th>Day<th>Opens<th>Closes<tr><td rowspan=2>Mon<td>9:00<td>12:00<tr><td>14:00<td></table>',
    )
    expect(page.text.split('\n').filter((line) => line)).toEqual([
      'Hours',
      'Day: Mon | Opens: 9:00 | Closes: 12:00',
      'Day: Mon | Opens: 14:00',
    ])
  })

  test('keeps terms with what they mean, and code as it stands', async () => {
    const page = await read('d.html', '<dl><dt>Arum<dd>A lily.</dl><pre>a\n  b</pre>')
    expect(page.text).toBe('- Arum: A lily.\n\na\n  b')
  })

  test('is read however deep it is nested', async () => {
    const page = await read('deep.html', `${'<div>'.repeat(100_000)}bottom`)
    expect(page.text).toBe('bottom')
    expect(page.warnings[0]).toContain('nested')
  })

  test('in an encoding of its own', async () => {
    const page = await read(
      'c.html',
      new Uint8Array(Buffer.from('<meta charset="iso-8859-2"><p>\xB1\xE6\xEA', 'latin1')),
    )
    expect(page.text).toBe('ąćę')
    expect(page.warnings).toEqual([])
  })
})

const manual: Manual = {
  title: 'Boiler manual',
  parts: [
    { kind: 'heading', level: 1, text: 'Boiler manual' },
    { kind: 'paragraph', text: 'The boiler stands in the cellar and heats both houses. '.repeat(6).trim() },
    { kind: 'heading', level: 2, text: 'Pressure' },
    {
      kind: 'table',
      rows: [
        ['House', 'Bar'],
        ['North', '1.5'],
        ['South', '1.8'],
      ],
    },
    { kind: 'list', ordered: true, items: ['Open the valve.', 'Wait until the needle stands still.'] },
    { kind: 'page' },
    { kind: 'heading', level: 2, text: 'Faults' },
    { kind: 'paragraph', text: 'Error 7 means that the pump is stuck.' },
    { kind: 'page' },
    { kind: 'paragraph', text: 'Call the engineer on 0800 555 0142.' },
  ],
}

describe('PDF', () => {
  test('has pages, headings, joined lines, named cells, and no page numbers', async () => {
    const page = await read('boiler.pdf', writePdf(manual))
    expect([page.title, page.language, page.metadata?.author]).toEqual([
      'Boiler manual',
      'en',
      'Lindenmoor Botanical Garden',
    ])
    expect(outline(page)).toEqual([
      'heading p1: Boiler manual',
      `paragraph p1 Boiler manual: ${'The boiler stands in the cellar and heats both houses. '.repeat(6).trim()}`,
      'heading p1 Boiler manual: Pressure',
      'table-row p1 Boiler manual > Pressure: House: North | Bar: 1.5',
      'table-row p1 Boiler manual > Pressure: House: South | Bar: 1.8',
      'list-item p1 Boiler manual > Pressure: 1. Open the valve.',
      'list-item p1 Boiler manual > Pressure: 2. Wait until the needle stands still.',
      'heading p2 Boiler manual: Faults',
      'paragraph p2 Boiler manual > Faults: Error 7 means that the pump is stuck.',
      'paragraph p3 Boiler manual > Faults: Call the engineer on 0800 555 0142.',
    ])
  })
})

describe('Word', () => {
  test('has headings, lists, tables with named cells, and its own title', async () => {
    const page = await read('boiler.docx', writeDocx(manual))
    expect(page.title).toBe('Boiler manual')
    expect(outline(page).slice(2)).toEqual([
      'heading Boiler manual: Pressure',
      'table-row Boiler manual > Pressure: House: North | Bar: 1.5',
      'table-row Boiler manual > Pressure: House: South | Bar: 1.8',
      'list-item Boiler manual > Pressure: 1. Open the valve.',
      'list-item Boiler manual > Pressure: 2. Wait until the needle stands still.',
      'heading Boiler manual: Faults',
      'paragraph Boiler manual > Faults: Error 7 means that the pump is stuck.',
      'paragraph Boiler manual > Faults: Call the engineer on 0800 555 0142.',
    ])
  })
})
