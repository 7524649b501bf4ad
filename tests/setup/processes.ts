/** The processes of a data directory (Linux: /proc). */
import { readdir, readFile } from 'node:fs/promises'

/** Process ids whose command line names both the folder and the script. */
export async function processesOf(dataDir: string, script: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found: number[] = []
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') // it ended meanwhile
    if (command.includes(dataDir) && command.includes(script)) found.push(pid)
  }
  return found
}
