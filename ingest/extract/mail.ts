/** Mails: one (.eml), or a folder of them (.mbox). Each is a section named by its subject. */
import PostalMime, { type Address, type Email } from 'postal-mime'
import { counted, type Extracted, metadataOf, oneLine, Refused } from './extracted.ts'
import { readHtml } from './html.ts'
import { createLayout, type Layout } from './layout.ts'
import { plainText } from './plain-text.ts'

export async function extractMail(bytes: Uint8Array): Promise<Extracted> {
  const mail = await parse(bytes)
  if (!mail.from && !mail.subject && !mail.date && !mail.to)
    throw new Refused(
      'damaged',
      'it has no From, To, Date or Subject, so it is no mail: give the file its real name',
    )
  const layout = createLayout()
  addMail(layout, mail)
  return {
    ...layout.finish(),
    mediaType: 'message/rfc822',
    title: oneLine(mail.subject ?? '') || null,
    metadata: metadataOf([
      ['from', mail.from ? nameOf(mail.from) : null],
      ['to', mail.to?.map(nameOf)],
      ['date', mail.date],
    ]),
    warnings: [],
  }
}

/** Line that begins a mail: `From`, an address, a date with a year. */
const beginning = /^From \S+.{0,40}\d{4}/

export async function extractMbox(bytes: Uint8Array): Promise<Extracted> {
  const layout = createLayout()
  const warnings: string[] = []
  let broken = 0
  let mails = 0
  for (const mail of mailsOf(bytes)) {
    mails++
    layout.leave(1)
    try {
      addMail(
        layout,
        await parse(Buffer.from(mail.toString('latin1').replace(/^>(>*From )/gm, '$1'), 'latin1')),
      )
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      broken++
    }
  }
  if (mails === 0)
    throw new Refused('damaged', 'no mail begins in it (a line "From …"): give the file its real name')
  if (broken > 0) warnings.push(`${counted(broken, 'mail')} of ${mails} could not be read`)
  return { ...layout.finish(), mediaType: 'application/mbox', title: null, warnings }
}

/** Cuts a folder at its "From " lines; in a mail such a line is written ">From ". */
function* mailsOf(bytes: Uint8Array): Generator<Buffer> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let start = -1
  for (let at = 0; at >= 0 && at < file.length; ) {
    const end = file.indexOf(10, at)
    const line = file.subarray(at, Math.min(end < 0 ? file.length : end, at + 200)).toString('latin1')
    if (beginning.test(line)) {
      if (start >= 0) yield file.subarray(start, at)
      start = end < 0 ? file.length : end + 1
    }
    at = end < 0 ? -1 : end + 1
  }
  if (start >= 0 && start < file.length) yield file.subarray(start)
}

async function parse(bytes: Uint8Array): Promise<Email> {
  try {
    return await PostalMime.parse(new Uint8Array(bytes), { attachmentEncoding: 'arraybuffer' })
  } catch (error) {
    throw new Refused('damaged', `the mail cannot be read (${oneLine(String(error), 120)}): export it again`)
  }
}

function addMail(layout: Layout, mail: Email): void {
  layout.add({ kind: 'heading', level: 1, text: oneLine(mail.subject ?? '') || 'No subject' })
  const head = [
    ['From', mail.from ? nameOf(mail.from) : ''],
    ['To', (mail.to ?? []).map(nameOf).join(', ')],
    ['Cc', (mail.cc ?? []).map(nameOf).join(', ')],
    ['Date', mail.date ?? ''],
  ].flatMap(([name, value]) => (value ? [`${name}: ${oneLine(value, 500)}`] : []))
  layout.add({ kind: 'paragraph', text: head.join('\n') })
  if (mail.text?.trim()) layout.append(plainText(storable(mail.text), []))
  else if (mail.html?.trim()) layout.append(readHtml(mail.html, { wholePage: true }))
  const attached = mail.attachments.map(
    ({ filename, mimeType, content }) =>
      `${oneLine(filename ?? '') || mimeType} (${typeof content === 'string' ? content.length : content.byteLength} bytes)`,
  )
  if (attached.length > 0) layout.add({ kind: 'paragraph', text: `Attached: ${attached.join(', ')}` })
}

function nameOf(address: Address): string {
  if (address.group) return `${address.name}: ${address.group.map(nameOf).join(', ')}`
  const { name, address: mailbox } = address
  return name && mailbox && name !== mailbox ? `${name} <${mailbox}>` : mailbox || name || ''
}

/** Postgres takes neither a NUL nor half a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed().trim()
}
