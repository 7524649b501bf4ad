import { describe, expect, test } from 'bun:test'
import { pdfOf } from '../faults/bad-files.ts'
import { outline, read } from './ingest-documents.ts'

type Put = [x: number, y: number, text: string, size?: number]

/** Pages of texts, each where it is put, in the order given. */
function pdf(pages: Put[][]): Uint8Array {
  return pdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((puts, i) => {
      const drawn = puts
        .map(([x, y, text, size = 10]) => `BT /F ${size} Tf ${x} ${y} Td (${text}) Tj ET`)
        .join('\n')
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${5 + 2 * i} 0 R /Resources << /Font << /F 3 0 R >> >> >>`,
        `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
      ]
    }),
  ])
}

function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && line.length + word.length + 1 > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}

const canal =
  'The canal was dug by hand between 1802 and 1809, and its locks were built of oak until the price of timber rose so much that the company turned to iron gates, which were cast in a foundry on the basin.'
const boats =
  'Boats carried coal down and grain up, at first with horses and later with steam; a pair of boats needed two days for the way to the coast, and the last of them was sold in the spring of 1952.'
const trade =
  'When the railway came, the tolls were halved, then halved again, but the trade went on to the war, and a little of it even after that, as the ledgers of the company show to those who can read them.'

const column = (text: string, x: number, width: number, top = 740): Put[] =>
  wrapped(text, width).map((line, i): Put => [x, top - 14 * i, line])

/** Texts side by side, drawn line by line across all of them. */
const woven = (columns: Put[][]): Put[] =>
  Array.from({ length: Math.max(...columns.map((c) => c.length)) }, (_, i) =>
    columns.flatMap((c) => (c[i] ? [c[i]] : [])),
  ).flat()

const flat = (text: string) => text.replace(/\s+/g, ' ')
const head: Put = [60, 790, 'The canal and its boats', 18]

describe('columns are read one after the other', () => {
  test.each([
    [
      'two, drawn one after the other',
      [head, ...column(canal, 60, 44), ...column(boats, 320, 44)],
      [canal, boats],
    ],
    ['two, drawn across', [head, ...woven([column(canal, 60, 44), column(boats, 320, 44)])], [canal, boats]],
    [
      'two of unequal length, and a line below both',
      [
        head,
        ...woven([column(`${canal} ${trade}`, 60, 44), column(boats, 320, 44)]),
        [60, 500, 'A closing line that goes all across the page, from its left to its right edge.'] as Put,
      ],
      [`${canal} ${trade}`, boats, 'A closing line that goes all across'],
    ],
    [
      'three, drawn across',
      [head, ...woven([column(canal, 40, 28), column(boats, 220, 28), column(trade, 400, 28)])],
      [canal, boats, trade],
    ],
  ] as [string, Put[], string[]][])('%s', async (_, puts, texts) => {
    const text = flat((await read('c.pdf', pdf([puts]))).text)
    const places = texts.map((part) => text.indexOf(part))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
  })

  test('a table is not columns', async () => {
    const rows = Array.from({ length: 8 }, (_, i): Put[] => [
      [60, 700 - 14 * i, `House ${i}`],
      [240, 700 - 14 * i, `1.${i} bar`],
      [420, 700 - 14 * i, 'checked'],
    ])
    const page = await read(
      't.pdf',
      pdf([[[60, 714, 'House'], [240, 714, 'Pressure'], [420, 714, 'State'], ...rows.flat()]]),
    )
    expect(outline(page)[3]).toBe('table-row p1: House: House 3 | Pressure: 1.3 bar | State: checked')
  })
})

test('divided words are joined', async () => {
  const page = await read(
    'h.pdf',
    pdf([
      [
        [60, 740, 'The administra-'],
        [60, 726, 'tion moved to the new build-'],
        [60, 712, 'ing in 1860.'],
      ],
    ]),
  )
  expect(page.text).toBe('The administration moved to the new building in 1860.')
})

test('running heads, feet and page numbers go, also those of left and right pages; numbers of the text stay', async () => {
  const pages = Array.from({ length: 6 }, (_, i): Put[] => [
    [280, 30, `${i + 12}`],
    [60, 815, i % 2 ? 'Second chapter: the boats' : 'A history of canals'],
    [60, 760, `Ledger number ${7000 + 13 * i}`],
    ...column(`${canal} It was page ${String.fromCharCode(65 + i)}.`, 60, 70),
  ])
  const { text } = await read('r.pdf', pdf(pages))
  expect(text.split('A history of canals')).toHaveLength(2)
  expect(text.split('Second chapter')).toHaveLength(2)
  for (let i = 0; i < 6; i++) expect(text).toContain(`Ledger number ${7000 + 13 * i}`)
  expect(text).not.toMatch(/^1[2-7]$/m)
})
