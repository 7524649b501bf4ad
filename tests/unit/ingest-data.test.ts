import { describe, expect, test } from 'bun:test'
import { outline, read } from './ingest-documents.ts'

describe('JSON', () => {
  test('reads as lines with their paths; objects are sections, records rows', async () => {
    const page = await read(
      'g.json',
      '{"title":"Garden","beds":[{"name":"North","plants":{"roses":3}},{"name":"South","plants":{"roses":4}}],"rules":{"dogs":"no","hours":{"open":"9"}},"tags":["a","b"],"empty":{},"none":null}',
    )
    expect(page.title).toBe('Garden')
    expect(outline(page)).toEqual([
      'list-item: title: Garden',
      'list-item: tags: a, b',
      'heading: beds',
      'table-row beds: name: North | plants.roses: 3',
      'table-row beds: name: South | plants.roses: 4',
      'heading: rules',
      'list-item rules: dogs: no',
      'heading rules: hours',
      'list-item rules > hours: open: 9',
    ])
  })

  test('keeps numbers as written, and tells those that JSON does not have', async () => {
    const page = await read('n.json', '{"id":12345678901234567890,"huge":1e400,"none":NaN,"low":-Infinity}')
    expect(page.text).toBe(
      '- id: 12345678901234567890\n- huge: 1e400\n- none: NaN\n- low: -Infinity'.replaceAll('- ', ''),
    )
    expect(page.warnings).toEqual(['3 numbers that JSON does not have, kept as written (NaN, 1e400)'])
  })

  test('may name any key', async () => {
    const page = await read('p.json', '{"__proto__":{"admin":"yes"},"constructor":"c"}')
    expect(page.text).toContain('admin: yes')
    expect(({} as { admin?: string }).admin).toBeUndefined()
  })

  test('of any depth costs no stack', async () => {
    await expect(read('d.json', '['.repeat(100_000))).rejects.toThrow('too_deep:')
    await expect(read('d.json', '{"a":'.repeat(100_000))).rejects.toThrow('too_deep:')
    const deep = await read('d.json', `${'{"a":'.repeat(150)}"the bottom"${'}'.repeat(150)}`)
    expect(deep.text).toEndWith('the bottom')
  })

  test.each([['{"a": }'], ['{"a"'], ['[1 2'], ['"open'], ['{"a":1} x'], ['nul']])(
    '%s is not JSON',
    async (source) => {
      await expect(read('b.json', source)).rejects.toThrow('damaged: it is not valid JSON in line 1')
    },
  )

  test('with comments and a comma too many is read', async () => {
    expect((await read('c.jsonc', '// a\n{"a": [1, 2,], /* b */ "c": "d\\n\\u00e9\\"",}')).text).toBe(
      'a: 1, 2\nc: d\né"',
    )
  })

  test('lines: a broken one costs itself', async () => {
    const page = await read('l.jsonl', '{"a":1,"b":{"c":"x"}}\n\nnot json\n{"a":2}\n')
    expect(page.text).toBe('a: 1 | b.c: x\na: 2')
    expect(page.warnings).toEqual(['1 line left out that is no JSON (line 3 first)'])
    await expect(read('l.jsonl', 'no\nnone\n')).rejects.toThrow('damaged:')
  })
})

describe('YAML', () => {
  test('of InstructLab: each question is a heading, its answer below, embedded with its context', async () => {
    const source =
      'version: 3\ndomain: water\ncreated_by: ada\ndocument_outline: About lakes\nseed_examples:\n  - context: |\n      Lake Orsa is deep.\n      It is cold.\n    questions_and_answers:\n      - question: How deep is it?\n        answer: 97 m.\n      - question: Is it warm?\n        answer: No.\n'
    const page = await read('knowledge/science/lakes/qna.yaml', source)
    expect(outline(page)).toEqual([
      'paragraph: Lake Orsa is deep.\nIt is cold.',
      'heading: How deep is it?',
      'paragraph How deep is it?: 97 m.',
      'heading: Is it warm?',
      'paragraph Is it warm?: No.',
    ])
    expect(page.blocks.map(({ header }) => header)).toEqual([
      null,
      null,
      'Lake Orsa is deep. It is cold.',
      null,
      'Lake Orsa is deep. It is cold.',
    ])
    expect(page.title).toBe('About lakes')
    expect({ ...page.metadata }).toEqual({
      domain: 'water',
      author: 'ada',
      taxonomy: 'knowledge/science/lakes',
    })
  })

  test('of InstructLab: a skill has its questions without a context', async () => {
    const page = await read(
      'x/qna.yaml',
      'task_description: Rhymes\nseed_examples:\n- question: Rhyme with cat\n  answer: Bat\n',
    )
    expect(outline(page)).toEqual(['heading: Rhyme with cat', 'paragraph Rhyme with cat: Bat'])
    expect(page.title).toBe('Rhymes')
  })

  test('of any other kind is text by its top-level keys', async () => {
    const source = '# top\nservices:\n  web: &w\n    image: x\n  db:\n    <<: *w\nvolumes:\n  a: {}\n'
    const page = await read('compose.yml', source)
    expect(page.text).toBe(source)
    expect(page.blocks.map(({ heading }) => heading)).toEqual([['services'], ['volumes']])
  })

  test('with aliases that unfold without end is refused', async () => {
    const level = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(of).join(',')}]\n`
    const bomb =
      level('a', 'x') + ['b', 'c', 'd', 'e', 'f'].map((name, i) => level(name, `*${'abcde'[i]}`)).join('')
    await expect(read('bomb.yaml', bomb)).rejects.toThrow('yaml_bomb:')
    await expect(read('qna.yaml', `${bomb}seed_examples: [*f]\n`)).rejects.toThrow('yaml_bomb:')
  })
})

test('front matter is metadata, and cannot be more', async () => {
  const page = await read(
    'f.md',
    '---\ntitle: Trees\nauthor: Ada\ntags: [oak, elm]\nlang: de-DE\n__proto__:\n  admin: true\nconstructor: c\nx: &a [*a]\n---\n# Other\n\nWords.\n',
  )
  expect(page.title).toBe('Trees')
  expect(page.language).toBe('de')
  expect({ ...page.metadata }).toEqual({
    author: 'Ada',
    tags: ['oak', 'elm'],
    lang: 'de-DE',
    constructor: 'c',
  } as never)
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
  const toml = await read('t.md', '+++\ntitle = "T"\ntags = ["a", "b"]\n[x]\ny = 1\n+++\nWords.\n')
  expect({ ...toml.metadata }).toEqual({ tags: ['a', 'b'] })
})

test('notebook: cells under the headings of its Markdown, outputs as far as they are text', async () => {
  const cells = [
    { cell_type: 'markdown', source: ['# Rain\n', '\n', 'Words *here*.\n\n- one\n- two'] },
    {
      cell_type: 'code',
      source: ['x = 1\n', 'print(x)'],
      outputs: [{ text: ['1\n'] }, { data: { 'image/png': 'QUJD', 'text/plain': '<Figure size 1>' } }],
    },
    { cell_type: 'code', source: 'log()', outputs: [{ text: 'line\n'.repeat(2000) }] },
  ]
  const page = await read(
    'n.ipynb',
    JSON.stringify({ metadata: { kernelspec: { language: 'python' } }, cells }),
  )
  expect(page.title).toBe('Rain')
  expect(outline(page).slice(0, 6)).toEqual([
    'heading: Rain',
    'paragraph Rain: Words *here*.',
    'list-item Rain: - one',
    'list-item Rain: - two',
    'code Rain: ```python\nx = 1\nprint(x)\n```',
    'code Rain: Output:\n1',
  ])
  expect(page.text).not.toContain('QUJD')
  expect(page.text.length).toBeLessThan(4500)
  expect(page.warnings).toEqual(['1 long outputs were cut after 4000 characters'])
  await expect(read('n.ipynb', '{"a":1}')).rejects.toThrow('damaged: it has no cells')
})
