/** Memory of this machine and of a process, as far as the system tells (Linux: /proc and the control group). */
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** Resident bytes of a process; 0 where the system does not tell, or it is gone. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))
  return found ? Number(found[1]) * 1024 : 0
}

/**
 * Bytes that can be taken without another program losing its own: files in the page cache count as free, and a
 * container has no more than its control group allows.
 */
export function availableMemory(): number {
  const meminfo = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo'))
  const machine = meminfo ? Number(meminfo[1]) * 1024 : freemem()
  return Math.max(0, Math.min(machine, groupMemory() ?? machine))
}

/** What is left in the control group (version 2); null without a limit. */
function groupMemory(): number | null {
  const limit = Number.parseInt(read('/sys/fs/cgroup/memory.max'), 10)
  const used = Number.parseInt(read('/sys/fs/cgroup/memory.current'), 10)
  if (!Number.isSafeInteger(limit) || !Number.isSafeInteger(used)) return null
  // Files that were read count as used until somebody needs the memory.
  const cached = Number(/^inactive_file (\d+)/m.exec(read('/sys/fs/cgroup/memory.stat'))?.[1] ?? 0)
  return limit - used + cached
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not Linux, or the process ended
  }
}
