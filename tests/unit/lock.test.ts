import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdLock } from '../../db/lock.ts'

test('a lock is held by one, also from other processes, until it is released or its process dies', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mentor-lock-'))
  const path = join(folder, 'a.lock')
  const lock = holdLock(path)
  expect(lock).not.toBeNull()
  expect(holdLock(path)).toBeNull()

  const script = `
    import { holdLock } from ${JSON.stringify(join(import.meta.dir, '../../db/lock.ts'))}
    // Nobody keeps what it returns: the collector must not give the lock away.
    console.log(holdLock(${JSON.stringify(path)}) === null ? 'taken' : 'mine')
    Bun.gc(true)
    setInterval(() => Bun.gc(true), 10)`
  const ask = () => Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const answer = async (child: ReturnType<typeof ask>) => {
    const { value } = await child.stdout.getReader().read()
    return new TextDecoder().decode(value).trim()
  }
  const refused = ask()
  expect(await answer(refused)).toBe('taken')
  refused.kill('SIGKILL')

  lock?.release()
  const owner = ask()
  expect(await answer(owner)).toBe('mine')
  await Bun.sleep(100)
  expect(holdLock(path)).toBeNull()
  owner.kill('SIGKILL')
  await owner.exited
  const again = holdLock(path)
  expect(again).not.toBeNull()
  again?.release()
  await rm(folder, { recursive: true })
})
