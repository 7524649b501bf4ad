/**
 * Keeps a collection in step with its folders: what changes is taken once it is at rest. The system's notices only say
 * when to look; what has changed is found by comparing sizes and times, so that a notice that was lost, doubled or came
 * too early costs a moment and no file.
 */
import { type FSWatcher, watch } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import type { IngestLine } from '../db/jobs.ts'
import type { Globs } from './choice.ts'
import { findFiles, type Input } from './walk.ts'

export interface WatchOptions {
  inputs: Input[]
  globs: Globs
  /**
   * Ingests the files at these places, or all of them, and settles what has vanished.
   * @param isTold says of a line that it was told before, and nothing about it has changed since
   */
  take(only: ReadonlySet<string> | null, isTold: (line: IngestLine) => boolean): Promise<unknown>
  tell(text: string): void
  signal?: AbortSignal
}

/** A file whose size and times are the same twice, so far apart, is at rest: whoever writes it has paused. */
const restMs = 1_000
/** A document is not taken from where it was while another file is being written, which may be its new place. */
const mostLooksForRest = 30
/** Notices come in swarms: so long after the first of one the folders are looked at. */
const swarmMs = 300
/** Looking takes at most this share of the time, whatever goes on in the folders. */
const lookShare = 0.2
/** Without a notice the folders are looked at so often: network and container file systems send none. */
const lookEveryMs = 10_000
/** After a run that failed as a whole, as when the database is away. */
const pauseMs = 5_000

/** Places of files, with what shows that one was written. */
type Look = Map<string, string>

/**
 * Returns when the signal is set. What the first run throws is thrown; later errors are told, and what they stopped is
 * tried again.
 */
export async function watchPaths({ inputs, globs, take, tell, signal }: WatchOptions): Promise<void> {
  const bell = openBell(signal)
  const isTold = openMemory()
  const watchers = await listen(inputs, bell.ring, tell)
  try {
    // Looked at before it is read: what is written meanwhile differs from it.
    let taken = await look(inputs, globs)
    let before = taken
    await take(null, isTold)
    if (!signal?.aborted) tell('Watching for changes. Ctrl-C ends it.')
    for (let restless = 0; !signal?.aborted; ) {
      const started = performance.now()
      const now = await look(inputs, globs)
      const lookMs = performance.now() - started
      const changed = [...now.keys()].filter((place) => now.get(place) !== taken.get(place))
      const gone = [...taken.keys()].filter((place) => !now.has(place))
      const atRest = changed.filter((place) => now.get(place) === before.get(place))
      const isQuiet = atRest.length === changed.length && gone.every((place) => !before.has(place))
      before = now
      if (changed.length + gone.length === 0) {
        await bell.wait(lookEveryMs)
        await bell.pause(Math.max(swarmMs, lookMs / lookShare))
        continue
      }
      const mustWait = gone.length > 0 ? !isQuiet && ++restless < mostLooksForRest : atRest.length === 0
      if (mustWait) {
        await bell.pause(Math.max(restMs, lookMs / lookShare))
        continue
      }
      restless = 0
      try {
        await take(new Set(atRest), isTold)
        taken = new Map([...taken].filter(([place]) => now.has(place)))
        for (const place of atRest) taken.set(place, now.get(place) ?? '')
      } catch (error) {
        tell(`${error instanceof Error ? error.message : error}\nTrying again in ${pauseMs / 1000} s.`)
        await bell.pause(pauseMs)
      }
    }
  } finally {
    for (const watcher of watchers) watcher.close()
  }
}

/** A document whose file has vanished is named once, not again after each change. */
function openMemory(): (line: IngestLine) => boolean {
  const named = new Set<string>()
  return ({ status, document }) => {
    if (document === null) return false
    const isRepeated = status === 'skipped' && named.has(document)
    if (status === 'skipped') named.add(document)
    else named.delete(document)
    return isRepeated
  }
}

/** Inode, size, and times in nanoseconds of every file that would be read. */
async function look(inputs: Input[], globs: Globs): Promise<Look> {
  const seen: Look = new Map()
  for (const { place, path, refusal } of await findFiles(inputs, globs)) {
    if (refusal) continue
    const about = await lstat(path, { bigint: true }).catch(() => null)
    if (about) seen.set(place, `${about.ino} ${about.size} ${about.mtimeNs} ${about.ctimeNs}`)
  }
  return seen
}

async function listen(inputs: Input[], ring: () => void, tell: (text: string) => void): Promise<FSWatcher[]> {
  const watchers: FSWatcher[] = []
  for (const { path } of inputs) {
    try {
      const watcher = watch(await realpath(path), { recursive: true }, ring)
      watcher.on('error', ring) // as when the folder itself goes: the next look tells
      watchers.push(watcher)
    } catch (error) {
      // ENOSPC: more folders than fs.inotify.max_user_watches.
      tell(
        `${path} cannot be watched (${error instanceof Error ? error.message : error}): ` +
          `it is looked at every ${lookEveryMs / 1000} s instead.`,
      )
    }
  }
  return watchers
}

interface Bell {
  ring(): void
  /** Until it rings, at most so long. */
  wait(ms: number): Promise<void>
  /** So long, whoever rings; only the signal ends it. */
  pause(ms: number): Promise<void>
}

function openBell(signal: AbortSignal | undefined): Bell {
  let rung = false
  let wake = () => {}
  const sleep = async (ms: number, mayBeWoken: boolean): Promise<void> => {
    if (signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = () => resolve()
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
    if (mayBeWoken) wake = end
    await promise
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
    wake = () => {}
  }
  return {
    ring() {
      rung = true
      wake()
    },
    async wait(ms) {
      if (!rung) await sleep(ms, true)
      rung = false
    },
    pause: (ms) => sleep(ms, false),
  }
}
