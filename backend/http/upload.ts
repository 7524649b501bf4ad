/**
 * Receives a multipart upload as a stream: each file goes to the disk as it comes, under a number in a folder of
 * its own. The name that it came with is kept as data and never becomes a path.
 */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { invalid, RequestRefused } from '../../http/refusal.ts'
import { bodyChunks } from '../../http/request-bytes.ts'

/** Of one upload. A part costs a header, a file descriptor and a line of the job. */
export const mostFiles = 1_000
const mostNameCharacters = 1_024

export interface ReceivedFile {
  /** Where it lies. */
  path: string
  /** A base name, or a relative path with `/` when a folder was dropped. */
  name: string
}

export interface ReceivedUpload {
  files: ReceivedFile[]
  fields: Map<string, string>
}

/**
 * @param folder exists and is empty; whoever calls removes it when this throws
 * @throws RequestRefused 400, 408, 413, 415 or 422; the file system's own error when a file cannot be written
 */
export async function receiveUpload(
  request: Request,
  folder: string,
  maxBytes: number,
): Promise<ReceivedUpload> {
  const parser = openParser(request.headers.get('content-type') ?? '')
  const parts = collectParts(parser, folder)
  try {
    for await (const chunk of bodyChunks(request, maxBytes)) {
      const room = parser.write(chunk)
      await Promise.race([parts.failed, room ? undefined : drained(parser)])
    }
    parser.end()
    await Promise.race([parts.failed, parts.written()])
  } catch (error) {
    await parts.abandon()
    throw error
  }
  if (parts.upload.files.length === 0) throw invalid([{ path: 'files', problem: 'is missing' }])
  return parts.upload
}

interface Parts {
  upload: ReceivedUpload
  /** Rejects with what is wrong as soon as anything is. */
  failed: Promise<never>
  /** Resolves once the last part was read and every file lies on the disk. */
  written(): Promise<void>
  /** Stops writing; resolves when no file is open any more. */
  abandon(): Promise<void>
}

/** Writes the parser's files as they come, and keeps its fields. */
function collectParts(parser: InstanceType<typeof Busboy>, folder: string): Parts {
  const upload: ReceivedUpload = { files: [], fields: new Map() }
  const writes: Promise<void>[] = []
  const stop = new AbortController()
  const failed = Promise.withResolvers<never>()
  // Nobody may be waiting for it at the moment it fails; whoever waits next gets it all the same.
  failed.promise.catch(() => {})
  const fail = (error: unknown) => failed.reject(error)

  parser.on('file', (field: string, stream: Readable, fileName: string) => {
    try {
      if (field !== 'files') throw unknownField(field)
      const file = { path: join(folder, String(upload.files.length)), name: uploadName(fileName) }
      upload.files.push(file)
      const target = createWriteStream(file.path, { flags: 'wx', mode: 0o600 })
      const write = pipeline(stream, target, { signal: stop.signal })
      write.catch(fail)
      writes.push(write)
    } catch (error) {
      stream.resume()
      fail(error)
    }
  })
  parser.on('field', (name: string, value: string, nameCut: boolean, valueCut: boolean) => {
    if (name !== 'collection' || nameCut) return fail(unknownField(name))
    if (upload.fields.has(name)) return fail(invalid([{ path: name, problem: 'is given twice' }]))
    upload.fields.set(name, valueCut ? '' : value)
  })
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(limit, () => fail(tooMany()))
  }
  const finished = new Promise<void>((resolve) => parser.on('finish', resolve))
  parser.on('error', () => fail(broken()))

  return {
    upload,
    failed: failed.promise,
    async written() {
      await finished
      await Promise.all(writes)
    },
    async abandon() {
      stop.abort()
      parser.destroy()
      await Promise.allSettled(writes)
    },
  }
}

function openParser(contentType: string): InstanceType<typeof Busboy> {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw new RequestRefused(415, 'unsupported_media_type', 'An upload must be multipart/form-data.', {
      hint: "With curl: -F 'files=@handbook.pdf'.",
    })
  }
  try {
    return new Busboy({
      headers: { 'content-type': contentType } as BusboyHeaders,
      preservePath: true,
      limits: {
        files: mostFiles,
        fields: 8,
        parts: mostFiles + 8,
        fieldSize: 256,
        headerPairs: 16,
        headerSize: 8_192,
      },
    })
  } catch {
    throw broken()
  }
}

function drained(parser: InstanceType<typeof Busboy>): Promise<void> {
  return new Promise((resolve) => parser.once('drain', resolve))
}

function broken(): RequestRefused {
  return new RequestRefused(400, 'bad_multipart', 'The multipart body cannot be read.', {
    hint: 'Its boundary must be the one in content-type, and the body must be whole.',
  })
}

function tooMany(): RequestRefused {
  return new RequestRefused(413, 'too_many_files', `More than ${mostFiles} files at once.`, {
    hint: 'Send them in several uploads, or use ./mentor ingest FOLDER.',
  })
}

function unknownField(field: string): RequestRefused {
  const path = /^[\w.-]{1,40}$/.test(field) ? field : '(unnamed)'
  return invalid([{ path, problem: 'is not a known field: send files, and collection' }])
}

/**
 * The name of an upload: steps joined by `/`, without a drive, a leading slash or `.` steps.
 * @throws RequestRefused 422 for `..`, control characters, no name and one that is too long
 */
export function uploadName(sent: string | undefined): string {
  const problem = (words: string) => invalid([{ path: 'files', problem: words }])
  const name = (sent ?? '').replaceAll('\\', '/').replace(/^[A-Za-z]:(?=\/)/, '')
  const steps = name.split('/').filter((step) => step !== '' && step !== '.')
  if (steps.length === 0) throw problem('must each have a file name')
  if (steps.includes('..')) throw problem('must not have .. in a name')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw problem('must not have control characters in a name')
  const joined = steps.join('/').toWellFormed()
  if (joined.length > mostNameCharacters)
    throw problem(`must have names of at most ${mostNameCharacters} characters`)
  return joined
}
