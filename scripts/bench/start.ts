/**
 * From `./mentor start` in a fresh copy of the project to the first answer, samples included, and the second start:
 * `bun scripts/bench/start.ts`. Dependencies come from Bun's package cache when it holds them.
 */

import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Citation } from '../../backend/answer/types.ts'
import { projectDir } from '../config.ts'
import { figure, heading, ms } from './figures.ts'
import { startMentor, temporaryFolder } from './mentor-process.ts'

const question = 'When was the garden founded?'
const expected = '1931'
const repeats = 3
/** Not part of a clone. */
const made = ['node_modules', '.git', '.bun', '.mentor', join('web', 'dist')]

/** Until the right sentence is quoted: while the handbook is still being read, others come near. */
async function firstAnswer(url: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${url}/api/ask`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ question }),
    })
    const { citations = [] } = (await response.json()) as { citations?: Citation[] }
    const first = citations[0]
    if (response.ok && first?.quote.includes(expected)) return first.document.source
    await Bun.sleep(50)
  }
}

heading('start', 'a fresh clone answers within 30 s, a second start is ready within 3 s', {
  samples: 'the handbook of the project',
  'second starts': repeats,
})
const folder = await temporaryFolder('bench-start')
const project = join(folder.path, 'clone')
const dataDir = join(folder.path, 'data')
try {
  await cp(projectDir, project, {
    recursive: true,
    filter: (path) => !made.some((name) => path === join(projectDir, name)),
  })
  const started = performance.now()
  const first = await startMentor({ dataDir, project })
  const source = await firstAnswer(first.url)
  const firstMs = performance.now() - started
  figure('fresh clone: page up', ms(first.readyMs))
  figure(`fresh clone: first answer (${source})`, ms(firstMs), {
    holds: firstMs <= 30_000,
    text: 'at most 30 s',
  })
  await first.stop()
  const second: number[] = []
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const mentor = await startMentor({ dataDir, project })
    second.push(mentor.readyMs)
    await mentor.stop()
  }
  const slowest = Math.max(...second)
  figure('second start: ready, slowest', ms(slowest), { holds: slowest <= 3000, text: 'under 3 s' })
  figure('first ÷ second', (first.readyMs / slowest).toFixed(1))
} finally {
  await folder.remove()
}
