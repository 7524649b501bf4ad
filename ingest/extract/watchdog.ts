/**
 * Ends the parser's process from a thread of its own, which runs while the parser is stuck: when it takes more memory
 * than it may, or when its parent is gone (a kill -9 leaves a child in an endless loop behind).
 *
 * The limit is on resident memory: JavaScriptCore reserves far more address space than it uses, so `ulimit -v`
 * would stop it at its start.
 */
import { writeSync } from 'node:fs'

export const overMemory = 'parser: over its memory limit'

declare const self: Worker

self.onmessage = ({ data }: MessageEvent<{ memoryLimit: number; parent: number }>) => {
  setInterval(() => {
    if (process.memoryUsage.rss() > data.memoryLimit) {
      writeSync(2, `${overMemory}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
    if (!isAlive(data.parent)) process.kill(process.pid, 'SIGKILL')
  }, 50)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
