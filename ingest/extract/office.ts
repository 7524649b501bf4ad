/** What the zip-based documents have in common: which one it is, its parts, what it says of itself. */
import { languageTag, type Metadata, metadataOf, Refused } from './extracted.ts'
import { meaningfulTitle } from './title.ts'
import { firstTexts, readXml, xmlAttribute } from './xml.ts'
import type { ZipEntry } from './zip.ts'

export type Parts = Map<string, ZipEntry>

/** What a zip is, by a part that it has. */
const kinds: [part: RegExp, what: string][] = [
  [/^word\/document\d*\.xml$/, 'a Word document'],
  [/^xl\/workbook\d*\.(xml|bin)$/, 'an Excel workbook'],
  [/^ppt\/presentation\d*\.xml$/, 'a PowerPoint presentation'],
  [/^META-INF\/container\.xml$/, 'an EPUB book'],
  [/^content\.xml$/, 'an OpenDocument file'],
  [/^META-INF\/MANIFEST\.MF$/, 'a Java archive'],
]

/** Refuses an archive that is not what its name says. `wanted` as in `a Word document`. */
export function checkKind(parts: Parts, wanted: string): void {
  const names = [...parts.keys()]
  const has = (part: RegExp) => names.some((name) => part.test(name))
  const own = kinds.find(([, what]) => what === wanted)
  if (own && has(own[0])) return
  const what = kinds.find(([part]) => has(part))?.[1] ?? 'a zip archive'
  throw new Refused('misnamed', `it looks like ${what}, not like ${wanted}: give it its real name`)
}

/** The bytes of a part that the document cannot do without. */
export function requiredPart(parts: Parts, name: string): Uint8Array {
  const entry = parts.get(name)
  if (!entry)
    throw new Refused('damaged', `its part ${name.slice(0, 80)} is missing: save the document again`)
  return entry.read()
}

export interface Relation {
  /** The last word of its type: `slide`, `notesSlide`, `worksheet`. */
  type: string
  /** Path in the archive; what lies outside is not listed. */
  target: string
}

/** Relations of a part of an Office document, by their id. Links to the outside are left out, and never followed. */
export function relationsOf(parts: Parts, part: string): Map<string, Relation> {
  const slash = part.lastIndexOf('/')
  const folder = part.slice(0, slash + 1)
  const entry = parts.get(`${folder}_rels/${part.slice(slash + 1)}.rels`)
  const relations = new Map<string, Relation>()
  if (!entry) return relations
  readXml(entry.read(), {
    open(element) {
      const id = xmlAttribute(element, 'Id')
      const target = xmlAttribute(element, 'Target')
      if (element.name !== 'Relationship' || !id || !target) return
      if (xmlAttribute(element, 'TargetMode') === 'External') return
      const type = (xmlAttribute(element, 'Type') ?? '').replace(/^.*\//s, '')
      relations.set(id, { type, target: resolvePath(folder, target) })
    },
  })
  return relations
}

/** `../slides/slide1.xml` seen from `ppt/notesSlides/`; a leading slash begins at the archive's root. */
export function resolvePath(folder: string, target: string): string {
  const steps: string[] = target.startsWith('/') ? [] : folder.split('/').filter((step) => step)
  for (const step of target.split('/')) {
    if (step === '..') steps.pop()
    else if (step && step !== '.') steps.push(step)
  }
  return steps.join('/')
}

/** Title, author and the like from `docProps/core.xml`. */
export function officeProperties(parts: Parts): {
  title: string | null
  language: string | null
  metadata: Metadata
} {
  const core = parts.get('docProps/core.xml')
  const names = ['title', 'creator', 'subject', 'description', 'keywords', 'language', 'modified', 'category']
  const found = core ? firstTexts(core.read(), names) : new Map<string, string>()
  return {
    title: meaningfulTitle(found.get('title') ?? ''),
    language: languageTag(found.get('language')),
    metadata: metadataOf([
      ['author', found.get('creator')],
      ['subject', found.get('subject')],
      ['description', found.get('description')],
      ['keywords', found.get('keywords')],
      ['category', found.get('category')],
      ['modified', found.get('modified')],
    ]),
  }
}
