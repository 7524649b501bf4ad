/** A folder of small files of many formats that changes, its ingestion in a process that can be killed, and its state. */
import { mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { IngestLine, Totals } from '../../db/jobs.ts'
import type { Database } from '../../db/open.ts'
import { projectDir } from '../config.ts'

/** Each of a hundred words or so: `n` makes it another file, `edition` the same file edited. */
const writers: Record<string, (n: number, edition: number) => string> = {
  md: (n, edition) =>
    `---\nauthor: Keeper ${n % 7}\n---\n# Garden ${n}\n\n## Beds\n\n${text(n, 0)}\n\n## Paths\n\n${text(n, edition)}\n`,
  txt: (n, edition) => `${text(n, 0)}\n\n${text(n, edition)}\n`,
  html: (n, edition) =>
    `<!doctype html><title>Glasshouse ${n}</title><main><h1>Glasshouse ${n}</h1><p>${text(n, 0)}</p><h2>Panes</h2><p>${text(n, edition)}</p></main>`,
  csv: (n, edition) =>
    `bed,flower,week,seen in\n${n},tulip,${n % 52},${edition}\n${n},crocus,${(n + 9) % 52},${edition}\n`,
  json: (n, edition) => JSON.stringify({ shed: n, key: `hook ${n + 3}`, note: text(n, edition) }, null, 2),
  srt: (n, edition) => `1\n00:00:01,000 --> 00:00:09,000\n${text(n, edition)}\n`,
  eml: (n, edition) =>
    `From: keeper@example.org\nTo: gardener@example.org\nSubject: Shed ${n}\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n${text(n, edition)}\n`,
  py: (n, edition) =>
    `def water_bed_${n}(litres):\n    """${text(n, edition)}"""\n    return litres * ${n + 1}\n`,
}
const endings = Object.keys(writers)

function text(n: number, edition: number): string {
  return (
    `Bed ${n} was dug over in week ${(n * 7 + edition) % 52} and holds ${n * 13 + edition} tulips from crate ${n}. ` +
    `The gardener of row ${n % 40} waters it with ${2 + (n % 9)} cans, and the fence beside it was painted ${edition + 1} times.`
  )
}

const pathOf = (n: number) => `plot ${n % 23}/${n}.${endings[n % endings.length]}`

async function write(folder: string, n: number, edition: number): Promise<void> {
  const ending = endings[n % endings.length] ?? 'md'
  const path = join(folder, pathOf(n))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, writers[ending]?.(n, edition) ?? '')
}

export async function makeFolder(folder: string, files: number): Promise<void> {
  for (let n = 0; n < files; n++) await write(folder, n, 0)
}

export interface Changes {
  edited: number
  moved: number
  deleted: number
}

/** Of every twenty files two are edited, one is moved to another folder, and one deleted. */
export async function changeFolder(folder: string, files: number): Promise<Changes> {
  const changes = { edited: 0, moved: 0, deleted: 0 }
  await mkdir(join(folder, 'moved'), { recursive: true })
  for (let n = 0; n < files; n++) {
    // A step that shares no factor with the number of formats: each kind of change meets each format.
    const kind = Math.floor(n / endings.length) % 20
    const path = join(folder, pathOf(n))
    if (kind < 2) {
      await write(folder, n, 1)
      changes.edited++
    } else if (kind === 2) {
      await rename(path, join(folder, 'moved', `${n}.${endings[n % endings.length]}`))
      changes.moved++
    } else if (kind === 3) {
      await unlink(path)
      changes.deleted++
    }
  }
  return changes
}

export interface SyncRun {
  pid: number
  lines: IngestLine[]
  exited: Promise<{ code: number; totals: Totals | null }>
}

/** `mentor ingest FOLDER --prune --json` in a process of its own; its lines are heard as they come. */
export function startSync(dataDir: string, collection: string, folder: string, databaseUrl = ''): SyncRun {
  const command = ['scripts/mentor.ts', 'ingest', folder, '--prune', '--collection', collection, '--json']
  const child = Bun.spawn([process.execPath, ...command, '--data', dataDir], {
    cwd: projectDir,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const lines: IngestLine[] = []
  let totals: Totals | null = null
  const heard = (async () => {
    let rest = ''
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const said: IngestLine | { totals: Totals } = JSON.parse(part)
        if ('totals' in said) totals = said.totals
        else lines.push(said)
      }
    }
  })()
  return {
    pid: child.pid,
    lines,
    exited: Promise.all([child.exited, heard]).then(([code]) => ({ code, totals })),
  }
}

/** A sync that is killed with SIGKILL each time it has taken so many files more, and then let through. */
export async function killedSync(
  start: () => SyncRun,
  kills: readonly number[],
): Promise<{ killed: number; totals: Totals | null }> {
  let killed = 0
  for (const after of kills) {
    const run = start()
    let ended = false
    void run.exited.then(() => {
      ended = true
    })
    const taken = () => run.lines.filter((line) => line.status !== 'unchanged').length
    while (!ended && taken() < after) await Bun.sleep(5)
    if (!ended) {
      process.kill(run.pid, 'SIGKILL')
      killed++
    }
    await run.exited
  }
  return { killed, totals: (await start().exited).totals }
}

/** All that readers and the ranking can see of a collection, without ids and in one order. */
export async function stateOf({ sql }: Database, collection: string): Promise<string[]> {
  const passages = await sql<{ row: string }[]>`
    select jsonb_build_array(d.source, v.title, v.text, v.metadata, p.ordinal, p.text, p.start_offset, p.end_offset,
      p.page, p.heading, p.language, encode(x.input_hash, 'hex'))::text as row
    from collections c join documents d on d.collection_id = c.id join document_versions v on v.id = d.version_id
    join passages p on p.version_id = v.id join passage_vectors x on x.passage_id = p.id
    where c.name = ${collection} order by d.source collate "C", p.ordinal`
  const postings = await sql<{ row: string }[]>`
    select jsonb_build_array(d.source, t.term, t.language, t.frequencies, t.lengths)::text as row
    from collections c join documents d on d.collection_id = c.id join postings t on t.version_id = d.version_id
    where c.name = ${collection} order by d.source collate "C", t.term collate "C", t.language, t.frequencies, t.lengths`
  const statistics = await sql<{ row: string }[]>`
    select jsonb_build_array(language, passages, terms, words, word_pieces)::text as row
    from collections c join collection_languages l on l.collection_id = c.id
    where c.name = ${collection} order by language collate "C"`
  return [...passages, ...postings, ...statistics].map(({ row }) => row)
}

/** SHA-256, in hex, of every text of a collection that was embedded. */
export async function embeddedTexts({ sql }: Database, collection: string): Promise<Set<string>> {
  const rows = await sql<{ hash: string }[]>`
    select distinct encode(x.input_hash, 'hex') as hash
    from passage_vectors x join collections c on c.id = x.collection_id where c.name = ${collection}`
  return new Set(rows.map(({ hash }) => hash))
}

/** Versions that were begun and are neither published nor swept. */
export async function unpublished({ sql }: Database): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from document_versions where run_id is not null`
  return row?.n ?? 0
}
