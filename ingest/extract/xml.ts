/**
 * XML read with suspicion, one element after the other. No document type is followed and no entity but the five of XML
 * and numbers is known, so nothing outside of the text can come into it.
 */
import sax from 'sax'
import { Refused } from './extracted.ts'

/** An element as it opens. Names come without the prefix, which every program chooses for itself. */
export interface XmlElement {
  name: string
  /** By qualified name, as written: `r:id` is not `id`. */
  attributes: Readonly<Record<string, string>>
}

export interface XmlReader {
  open?(element: XmlElement): void
  close?(name: string): void
  text?(text: string): void
}

const portion = 65_536
/** Office documents nest 20 to 40 deep. */
const deepest = 2000

/**
 * Calls `reader` for every element and text in order. What is broken is passed over and told by the return value.
 * Refuses an internal document type, which Office programs and e-book tools never write and attacks need.
 */
export function readXml(bytes: Uint8Array, reader: XmlReader): { broken: boolean } {
  const parser = sax.parser(true, { position: false, xmlns: false })
  let broken = false
  let depth = 0
  parser.onopentag = ({ name, attributes }) => {
    if (++depth > deepest)
      throw new Refused('damaged', 'its XML is nested too deep to be read: save the document again')
    reader.open?.({ name: localName(name), attributes: attributes as Record<string, string> })
  }
  parser.onclosetag = (name) => {
    depth--
    reader.close?.(localName(name))
  }
  parser.ontext = (text) => reader.text?.(text)
  parser.oncdata = (text) => reader.text?.(text)
  parser.ondoctype = (declaration) => {
    if (/\[|<!ENTITY/i.test(declaration))
      throw new Refused('unsafe', 'its XML declares entities of its own: save the document again')
  }
  parser.onerror = () => {
    broken = true
    parser.error = null as unknown as Error // sax's own way to go on after an error
  }
  const xml = decodeXml(bytes)
  for (let at = 0; at < xml.length; at += portion) parser.write(xml.slice(at, at + portion))
  parser.close()
  return { broken }
}

function decodeXml(bytes: Uint8Array): string {
  const [a, b] = bytes
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  const declared = /^\s*<\?xml[^>]*encoding\s*=\s*["']([\w-]{2,40})/.exec(head)?.[1]
  try {
    return new TextDecoder(declared ?? 'utf-8').decode(bytes)
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder().decode(bytes)
    throw error
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** The attribute of that name, whatever its prefix; the one without a prefix first. */
export function xmlAttribute({ attributes }: XmlElement, name: string): string | null {
  const plain = attributes[name]
  if (plain !== undefined) return plain
  for (const key in attributes) if (key.endsWith(`:${name}`)) return attributes[key] ?? null
  return null
}

/** The first attribute of that name that has a prefix: `r:id` beside `id`. */
export function prefixedAttribute({ attributes }: XmlElement, name: string): string | null {
  for (const key in attributes) if (key.endsWith(`:${name}`)) return attributes[key] ?? null
  return null
}

/** The words of the first elements of these names: `title`, `creator`. */
export function firstTexts(bytes: Uint8Array, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  let open: string | null = null
  readXml(bytes, {
    open({ name }) {
      if (names.includes(name) && !found.has(name)) {
        open = name
        found.set(name, '')
      }
    },
    close(name) {
      if (name === open) open = null
    },
    text(text) {
      if (open) found.set(open, (found.get(open) ?? '') + text)
    },
  })
  return found
}
