/** `ingest --watch` in a process of its own: what changes comes in, once it is at rest. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { appendFile, mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IngestLine } from '../../db/jobs.ts'
import { projectDir } from '../../scripts/config.ts'
import { freshDataDir, removeDataDir } from '../database/databases.ts'

let place: string
let dataDir: string
let folder: string
let child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
const lines: IngestLine[] = []
let said = ''

beforeAll(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-watch-')))
  dataDir = await freshDataDir()
  folder = join(place, 'files')
  await mkdir(folder)
  await writeFile(join(folder, 'first.md'), '# First\n\nThe lamp burns all night.\n')
  child = Bun.spawn(
    [
      process.execPath,
      'scripts/mentor.ts',
      'ingest',
      folder,
      '--watch',
      '--prune',
      '--json',
      '--data',
      dataDir,
    ],
    {
      cwd: projectDir,
      env: { ...process.env, DATABASE_URL: '' },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  void hear(child.stdout, (line) => {
    const heard: IngestLine | { totals: object } = JSON.parse(line)
    if ('file' in heard) lines.push(heard)
  })
  void hear(child.stderr, (line) => {
    said += `${line}\n`
  })
}, 60_000)

afterAll(async () => {
  child.kill('SIGKILL')
  await child.exited
  await removeDataDir(dataDir)
  rmSync(place, { recursive: true, force: true })
}, 30_000)

async function hear(stream: ReadableStream<Uint8Array>, each: (line: string) => void): Promise<void> {
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + new TextDecoder().decode(chunk)).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) each(part)
  }
}

/** Waits for a line of the file from the `from`th line on. */
async function line(file: string, from: number): Promise<IngestLine> {
  for (;;) {
    const found = lines.slice(from).find((one) => one.file === join(folder, file))
    if (found) return found
    if (child.exitCode !== null) throw new Error(`it ended: ${said}`)
    await Bun.sleep(50)
  }
}

test('takes what is there, then what is added, changed, moved and removed, and ends with Ctrl-C', async () => {
  const first = await line('first.md', 0)
  expect(first.status).toBe('added')

  let from = lines.length
  await mkdir(join(folder, 'deep/er'), { recursive: true })
  await writeFile(join(folder, 'deep/er/second.md'), '# Second\n\nThe keeper rows ashore.\n')
  const second = await line('deep/er/second.md', from)
  expect(second.status).toBe('added')

  from = lines.length
  await writeFile(join(folder, 'first.md'), '# First\n\nThe lamp is out.\n')
  expect(await line('first.md', from)).toMatchObject({ status: 'replaced', document: first.document })

  from = lines.length
  await rename(join(folder, 'deep/er/second.md'), join(folder, 'second.md'))
  expect(await line('second.md', from)).toMatchObject({ status: 'moved', document: second.document })

  from = lines.length
  await writeFile(join(folder, 'bad.md'), '')
  expect((await line('bad.md', from)).status).toBe('failed')
  await unlink(join(folder, 'second.md'))
  expect(await line('second.md', from)).toMatchObject({ status: 'removed', document: second.document })

  // A file that is being written is waited for: it comes in once, whole.
  from = lines.length
  for (let i = 0; i < 12; i++) {
    await appendFile(join(folder, 'slow.md'), `Sentence ${i} of the log of the lighthouse.\n\n`)
    await Bun.sleep(300)
  }
  expect((await line('slow.md', from)).status).toBe('added')
  await Bun.sleep(2_500)
  expect(lines.slice(from).filter((one) => one.file.endsWith('slow.md'))).toHaveLength(1)

  child.kill('SIGINT')
  expect(await child.exited).toBe(130)
  expect(said).toContain('Watching for changes')
}, 90_000)
