/** Ten minutes of random kills under load: every question gets an answer from some rung or a clear error, in time. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type LadderMentor, openFiles, residentMB, serviceReady, startLadderMentor } from './ladder-mentor.ts'
import { faultsOf, figures, storm } from './ladder-storm.ts'

const seconds = 600
const kills = 60
const clients = 6
/** A stopped process that is found out before it is killed, and one that is not. */
const stoppedSeconds = 12
/** One that is killed again and again is started again later each time, up to two minutes. */
const returnsMs = 180_000
/** Of the backend, in MB, over the storm. A leak of one answer a question (some 30 kB) would be as much. */
const growth = 150
/** Files of the backend: a pipe or a connection that each of the killed left would be more. */
const moreFiles = 20

describe.skipIf(process.platform !== 'linux')('the ladder under kills for long (needs /proc)', () => {
  let mentor: LadderMentor
  beforeAll(async () => {
    mentor = await startLadderMentor({ LLM_SLOTS: '2' })
    await serviceReady(mentor)
  }, 120_000)
  afterAll(() => mentor?.finish(), 30_000)

  test(
    `${kills} random kills in ${seconds} s`,
    async () => {
      const seed = Math.floor(Math.random() * 2 ** 31)
      // What a backend that has worked holds is not what one that has just started does.
      const warm = await storm(mentor, { seconds: 30, kills: 0, clients, seed, stoppedSeconds })
      expect(faultsOf(warm)).toEqual([])
      const files = openFiles(mentor.pid).length
      const came = await storm(mentor, { seconds, kills, clients, seed, stoppedSeconds })
      const { queue } = await serviceReady(mentor, returnsMs)
      const after = residentMB(mentor.pid)
      const filesAfter = openFiles(mentor.pid).length
      console.log(
        `seed ${seed}\n${figures(came)}\nbackend, once all is back: ${after} MB, ${files} → ${filesAfter} files`,
      )
      expect(faultsOf(came)).toEqual([])
      expect(came.kills).toHaveLength(kills)
      expect(queue).toMatchObject({ active: 0, waiting: 0 })
      for (const rung of ['llm-service', 'local-model'] as const)
        expect(
          came.outcomes.filter((one) => one.kind === 'answer' && one.rung === rung).length,
        ).toBeGreaterThan(20)
      expect(filesAfter - files).toBeLessThan(moreFiles)
      expect(after - came.memory.before).toBeLessThan(growth)
      expect(await mentor.finish()).toEqual({ exitCode: 0, processes: [], sockets: [] })
    },
    (seconds + 120) * 1000 + returnsMs,
  )
})
