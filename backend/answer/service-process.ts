/**
 * A model service as a child process. Its settings go in on stdin, which stays open: when this process ends, however it
 * ends, the pipe closes and the child stops. Its first line on stdout says where it listens, or why it does not.
 */

export interface ServiceProcess {
  pid: number
  /** Where it listens. @throws ServiceNotStarted */
  readonly listening: Promise<string>
  /** Settles when it is gone, with how it ended in words. */
  readonly ended: Promise<string>
  /** How it ended, once it has. */
  ending(): string | null
  /** Lets what runs end for `graceMs`, then kills it; settles when it is gone. */
  stop(graceMs: number): Promise<void>
}

/** It ended, or said nothing for too long, before it listened. The message is for people. */
export class ServiceNotStarted extends Error {
  override readonly name = 'ServiceNotStarted'
  constructor(
    /** As the service named it, like `port_taken`; null: it ended without a word. */
    readonly code: string | null,
    message: string,
  ) {
    super(message)
  }
}

export interface ServiceProcessOptions {
  command: string[]
  /** One JSON document. */
  settings: string
  /** Gets what it writes to stderr, a line a call. */
  log: (line: string) => void
  /** It must listen within this time; the model is loaded afterwards. */
  patienceMs?: number
}

/** Checking a file of several GB against its checksum may come before it listens. */
const usualPatienceMs = 60_000
/** Its log of being looked at, every few seconds for as long as it runs. */
const routine = /^GET \/(v1\/models|api\/llm\/health|health) (200|404) /
/** Of one line that it writes. */
const longestLine = 2_000

export function startServiceProcess({
  command,
  settings,
  log,
  patienceMs = usualPatienceMs,
}: ServiceProcessOptions): ServiceProcess {
  const child = Bun.spawn(command, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    // Bun would report a crash to its makers over the network.
    env: { ...process.env, BUN_ENABLE_CRASH_REPORTING: '0' },
    // Ctrl-C in the terminal goes to the whole group: answers under way should end before their model does.
    detached: true,
  })
  // It may be gone before it has read them; how it ended says why.
  void Promise.resolve(child.stdin.write(`${settings}\n`)).catch(() => undefined)
  void Promise.resolve(child.stdin.flush()).catch(() => undefined)
  let ending: string | null = null
  const ended = child.exited.then((code) => {
    ending =
      child.signalCode === null
        ? `its process ended (exit code ${code})`
        : `its process ended (${child.signalCode})`
    return ending
  })
  void eachLine(child.stderr, (line) => {
    if (!routine.test(line)) log(line)
  })
  const first = Promise.withResolvers<string>()
  void eachLine(child.stdout, first.resolve).then(async () =>
    first.reject(new ServiceNotStarted(null, await ended)),
  )
  const late = setTimeout(() => {
    first.reject(new ServiceNotStarted(null, `it did not start within ${patienceMs / 1000} s`))
    child.kill('SIGKILL')
  }, patienceMs)
  const listening = first.promise.then(placeIn).finally(() => clearTimeout(late))
  listening.catch(() => undefined) // heard by whoever waits for it, if anybody does
  return {
    pid: child.pid,
    listening,
    ended,
    ending: () => ending,
    async stop(graceMs) {
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(kill)
    },
  }
}

function placeIn(line: string): string {
  const said = parsed(line)
  if (typeof said.url === 'string') return said.url
  if (typeof said.error === 'string') {
    const message = typeof said.message === 'string' ? said.message : said.error
    throw new ServiceNotStarted(said.error, message.slice(0, 500))
  }
  throw new ServiceNotStarted(null, 'it began with something else than where it listens')
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, tell: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = (lines.pop() ?? '').slice(0, longestLine)
      for (const line of lines) if (line.trim() !== '') tell(line.slice(0, longestLine))
    }
  } catch {
    // The pipe broke with the process.
  }
  if (rest.trim() !== '') tell(rest)
}
