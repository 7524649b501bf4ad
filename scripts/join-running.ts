/** A second `start` in the same data directory: says where the first one is, and hands it the folders. */
import { createJob } from '../db/jobs.ts'
import { type Config, settings } from './config.ts'
import { watchJob } from './job-progress.ts'
import { announcedBackend, type RunningBackend, sameDatabase } from './running.ts'
import { openStoredDatabase } from './services.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

/** A first start creates the database and builds the page before it can be reached. */
const startPatienceMs = 60_000

export async function joinRunning(
  config: Config,
  inputs: string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const backend = await waitForBackend(config.data)
  sameDatabase(backend, config)
  terminal.line(`Mentor is running already: ${backend.url} (process ${backend.pid}, data in ${config.data})`)
  const port = Number(new URL(backend.url).port || 80)
  // 0 is any port, and the default is what nobody asked for.
  if (![port, 0, settings.port.default].includes(config.port)) {
    terminal.line(
      `It listens on port ${port}, not on ${config.port}: stop it first to move it, or give --data DIR for a second one.`,
    )
  }
  if (inputs.length === 0) return
  const db = await openStoredDatabase(config)
  try {
    const job = await createJob(db, {
      kind: 'paths',
      collection: 'default',
      inputs: inputs.map((path) => ({ path })),
    })
    terminal.line('It ingests what you gave; Ctrl-C leaves it to that.')
    await watchJob(db, job, terminal, signal)
  } finally {
    await db.close()
  }
}

async function waitForBackend(dataDir: string): Promise<RunningBackend> {
  const until = performance.now() + startPatienceMs
  for (;;) {
    const backend = await announcedBackend(dataDir)
    if (backend !== null) return backend
    if (performance.now() > until) {
      throw new CommandFailed(
        `Another ./mentor start holds ${dataDir} but is not up after a minute. Stop it, or give --data DIR.`,
      )
    }
    await Bun.sleep(200)
  }
}
