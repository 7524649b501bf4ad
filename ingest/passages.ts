/**
 * Cuts a document into passages along its structure.
 *
 * A passage never leaves its section (the text below one heading) nor its page. Whole paragraphs, list items, code
 * blocks and table rows are put together while they fit; only one that is too long by itself is cut, at sentences
 * (code: lines), then words, then letters. Passages never overlap, and together they hold every block. A heading
 * is carried in `heading` by the passages below it, and is text of its own only when nothing stands below it.
 */
import { embeddingInput } from './embedding-input.ts'
import { type Block, type BlockKind, clip } from './extract/extracted.ts'
import { trimmed } from './extract/plain-text.ts'
import { type Cutter, letterBoundary, letters, lines, type Span, sentences, words } from './sentences.ts'

export interface Passage extends Span {
  /** Page where it begins. */
  page: number | null
  heading: readonly string[]
  /** What is embedded: title, headings, the header of its table, and `text.slice(start, end)`. */
  input: string
}

export interface CutSettings {
  title: string
  /** Most word pieces of what is embedded, the model's two special tokens included. */
  tokenLimit: number
  /** Word pieces of a text, special tokens not included. */
  count(text: string): number
}

/** Longest passage in code units, for scripts of which the model knows nothing: a whole Thai line is one unknown piece. */
const longest = 2000
/** Longest text without a block (mark-up, comments, pictures) that a passage may reach across. */
const widestGap = 100
/** Part of the limit that title and headings may take, and a table's header beside them. */
const contextShare = 0.25
const specialTokens = 2

/** Something that is not cut any further, with its word pieces. */
interface Unit extends Span {
  pieces: number
  header: string | null
}

interface Section {
  page: number | null
  heading: readonly string[]
  blocks: Block[]
}

/** Passages in order. Lazily, so that the first can be embedded while a long document is still being cut. */
export function* cutPassages(text: string, blocks: Block[], settings: CutSettings): Generator<Passage> {
  const count = additiveCounter(settings.count)
  for (const section of sectionsOf(blocks)) {
    const cut = cutSection(text, section, { ...settings, count })
    for (const passage of cut) yield* withinLimit(text, passage, section, settings)
  }
}

/** Blocks that stand together: same headings, same page. */
function* sectionsOf(blocks: Block[]): Generator<Section> {
  let open: Section | null = null
  let key = ''
  for (const [i, block] of blocks.entries()) {
    if (block.kind === 'heading' && !standsAlone(block, blocks[i + 1])) continue
    const here = `${block.page}\0${block.heading.join('\0')}`
    if (open && here === key) open.blocks.push(block)
    else {
      if (open) yield open
      open = { page: block.page, heading: block.heading, blocks: [block] }
      key = here
    }
  }
  if (open) yield open
}

/** Nothing is below the heading: its words would be lost if they were not a passage. */
function standsAlone(heading: Block, next: Block | undefined): boolean {
  return !next || (next.kind === 'heading' && next.level <= heading.level)
}

interface Sized extends CutSettings {
  count(text: string): number
}

function* cutSection(text: string, section: Section, settings: Sized): Generator<Passage> {
  const { heading, page } = section
  const context = fitContext(settings.title, heading, settings)
  const room =
    settings.tokenLimit - specialTokens - settings.count(embeddingInput(context.title, context.heading, ''))
  const wrap = (body: string, header: string | null) =>
    embeddingInput(context.title, context.heading, header === null ? body : `${header}\n${body}`)
  /** Word pieces left for a passage that begins with this unit. */
  const roomFor = (unit: Unit) => {
    const beginning = text.slice(unit.start, unit.start + 500)
    const around = settings.count(wrap(beginning, unit.header)) - settings.count(beginning)
    return settings.tokenLimit - specialTokens - around
  }
  for (const units of batches(unitsOf(text, section.blocks, room, settings))) {
    for (const { start, end, header } of pack(text, units, roomFor, settings))
      yield { start, end, page, heading, input: wrap(text.slice(start, end), header) }
  }
}

/** Title and headings shortened to their share: the outer headings go first, then the title. */
function fitContext(
  title: string,
  heading: readonly string[],
  settings: Sized,
): { title: string; heading: string[] } {
  const budget = Math.floor(contextShare * settings.tokenLimit)
  const fits = (t: string, h: string[]) => settings.count(embeddingInput(t, h, '')) <= budget
  let inner = [...heading]
  while (inner.length > 1 && !fits(title, inner)) inner = inner.slice(1)
  if (fits(title, inner)) return { title, heading: inner }
  if (fits('', inner)) return { title: '', heading: inner }
  let last = inner[0] ?? ''
  while (last && !fits('', [last])) last = clip(last, last.length >> 1)
  return { title: '', heading: last ? [last] : [] }
}

/** What each kind is cut at when it is too long: the larger first. Letters come last, always. */
const cutters: Record<BlockKind, Cutter[]> = {
  heading: [sentences, words],
  paragraph: [sentences, words],
  'list-item': [sentences, words],
  quote: [sentences, words],
  'table-row': [lines, words],
  code: [lines, words],
}

/** `room`: word pieces left beside title and headings. */
function* unitsOf(text: string, blocks: Block[], room: number, settings: Sized): Generator<Unit> {
  let header: string | null = null
  let pieces = 0
  for (const block of blocks) {
    if (block.header !== header) {
      header = block.header
      pieces = header === null ? 0 : settings.count(header)
    }
    // A header that would take more than its share is left out: the rows matter more.
    const carried = pieces <= contextShare * settings.tokenLimit
    const fit = {
      room: room - (carried ? pieces : 0),
      header: carried ? header : null,
      count: settings.count,
    }
    yield* split(text, block, cutters[block.kind], fit)
  }
}

interface Fit {
  /** Most word pieces of a unit. */
  room: number
  header: string | null
  count(text: string): number
}

/** The span whole when it fits, else cut by the first cutter, its pieces by the next ones. */
function* split(text: string, { start, end }: Span, by: Cutter[], fit: Fit): Generator<Unit> {
  if (end - start <= longest) {
    const pieces = fit.count(text.slice(start, end))
    if (pieces <= fit.room) return yield { start, end, pieces, header: fit.header }
  }
  const [cutter, ...finer] = by
  if (cutter) {
    for (const piece of cutter(text, { start, end })) yield* split(text, piece, finer, fit)
    return
  }
  // Without white space the word pieces are only known by counting: halve until they fit.
  const length = Math.min(longest / 2, (end - start) >> 1)
  for (const piece of letters(text, { start, end }, length)) {
    if (piece.end - piece.start < end - start) yield* split(text, piece, [], fit)
    else yield { ...piece, pieces: fit.count(text.slice(start, end)), header: fit.header }
  }
}

/** Units a few hundred at a time: one paragraph of a million sentences is never held whole. */
function* batches(units: Iterable<Unit>): Generator<Unit[]> {
  let batch: Unit[] = []
  for (const unit of units) {
    batch.push(unit)
    if (batch.length === 400) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}

/**
 * Puts neighbouring units together. The passages of a section are made about equally long: filling each to the brim
 * would leave a scrap at the end of every section, and a scrap is found by nothing.
 */
function* pack(
  text: string,
  units: Unit[],
  roomFor: (unit: Unit) => number,
  settings: Sized,
): Generator<Unit> {
  const [first, ...rest] = units
  if (!first) return
  const gapBefore = (i: number) => text.slice(units[i - 1]?.end, units[i]?.start)
  // What lies between the units counts too, as it does below: a table's ruler row is as long as a row, and left out
  // it would make the share too small and push the table's last row into a passage of its own.
  const total = units.reduce(
    (sum, unit, i) =>
      sum + unit.pieces + (i > 0 && gapBefore(i).length <= widestGap ? settings.count(gapBefore(i)) : 0),
    0,
  )
  let open = first
  let room = roomFor(open)
  for (const unit of rest) {
    const share = total / Math.ceil(total / Math.max(1, room))
    const gap = text.slice(open.end, unit.start)
    const near = gap.length <= widestGap && unit.end - open.start <= longest
    const pieces = near ? open.pieces + settings.count(gap) + unit.pieces : Number.POSITIVE_INFINITY
    if (open.pieces < share && pieces <= room) open = { ...open, end: unit.end, pieces }
    else {
      yield open
      open = unit
      room = roomFor(open)
    }
  }
  yield open
}

/**
 * Word pieces counted word by word and remembered: BERT's tokenizer never looks across white space, so the sum is
 * exact, and the same words are not cut a thousand times.
 */
function additiveCounter(count: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>()
  return (text) => {
    let sum = 0
    for (const word of text.split(/\s+/u)) {
      if (word === '') continue
      if (word.length > 40) {
        sum += count(word)
        continue
      }
      let pieces = known.get(word)
      if (pieces === undefined) {
        pieces = count(word)
        if (known.size > 50_000) known.clear()
        known.set(word, pieces)
      }
      sum += pieces
    }
    return sum
  }
}

/** The last word on the limit: a passage that the tokenizer, asked about all of it, finds too long is halved. */
function* withinLimit(
  text: string,
  passage: Passage,
  section: Section,
  settings: CutSettings,
): Generator<Passage> {
  const { start, end } = passage
  if (settings.count(passage.input) + specialTokens <= settings.tokenLimit || end - start < 2) {
    yield passage
    return
  }
  const middle = (start + end) >> 1
  const space = text.lastIndexOf(' ', middle)
  const cut = space > start ? space : letterBoundary(text, middle, start + 1)
  const { title, heading } = fitContext(settings.title, section.heading, settings)
  for (const half of [trimmed(text, start, cut), trimmed(text, cut, end)]) {
    if (half.start === half.end) continue
    const input = embeddingInput(title, heading, text.slice(half.start, half.end))
    yield* withinLimit(text, { ...passage, ...half, input }, section, settings)
  }
}
