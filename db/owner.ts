import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process as others can find it again. */
export interface Owner {
  /** The host, its boot and its process namespace: a process id means something only among equal ones. */
  host: string
  pid: number
}

const bootId = '/proc/sys/kernel/random/boot_id'
const pidNamespace = '/proc/self/ns/pid'

export function thisProcess(): Owner {
  // Two containers of one image may share host name and process ids; after a reboot ids are used again.
  const parts = [hostname()]
  if (existsSync(bootId)) parts.push(readFileSync(bootId, 'utf8').trim().slice(0, 8))
  if (existsSync(pidNamespace)) parts.push(readlinkSync(pidNamespace).replace(/\D/g, ''))
  return { host: parts.join('/'), pid: process.pid }
}

/** True when the owner's process is known to be gone; false also when this process cannot know. */
export function hasDied(owner: Owner, self: Owner): boolean {
  if (owner.host !== self.host) return false
  try {
    process.kill(owner.pid, 0)
    return false
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
