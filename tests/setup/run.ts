/** Runs a command and keeps what it said. */
export interface Ran {
  code: number
  out: string
  /** Both streams, for messages. */
  all: string
}

export async function run(
  argv: string[],
  environment: Record<string, string> = {},
  cwd: string = process.cwd(),
): Promise<Ran> {
  const child = Bun.spawn(argv, {
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...environment },
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out: out.trim(), all: `${out}\n${err}`.trim() }
}

/** @throws with the last lines of what the command said. */
export async function mustRun(argv: string[], environment: Record<string, string> = {}): Promise<string> {
  const ran = await run(argv, environment)
  if (ran.code === 0) return ran.out
  const last = ran.all.split('\n').slice(-6).join('\n')
  throw new Error(`${argv.slice(0, 6).join(' ')} ended with ${ran.code}:\n${last}`)
}

export const isRoot = process.getuid?.() === 0
