/** Random kills of the processes of both rungs with a model, while clients ask: what came of each question, and what was killed. */
import { type Random, seeded } from '../unit/ingest-random-document.ts'
import { type Asked, ask, type Outcome, tally } from './ladder-clients.ts'
import {
  deadlines,
  endlessQuestion,
  type LadderMentor,
  ladderProcesses,
  question,
  type Role,
  residentMB,
  roles,
  signalTo,
} from './ladder-mentor.ts'

export interface StormSettings {
  seconds: number
  kills: number
  clients: number
  seed: number
  /** A process that is stopped before it is killed stays so for up to so many seconds. */
  stoppedSeconds: number
}

export interface Storm {
  kills: { how: How; role: Role }[]
  outcomes: Outcome[]
  /** Resident memory of the backend, MB. */
  memory: { before: number; most: number; after: number }
  /** Slowest answer of /health, ms. */
  slowestHealth: number
}

/** `SIGSTOP`: it hangs for a while, and is killed then. */
const ways = ['SIGKILL', 'SIGSEGV', 'SIGSTOP'] as const
type How = (typeof ways)[number]

/** What a machine with more to do than it can adds to a deadline. */
export const slackMs = 10_000

export async function storm(mentor: LadderMentor, settings: StormSettings): Promise<Storm> {
  const { seconds, clients, seed } = settings
  const until = performance.now() + seconds * 1000
  const before = residentMB(mentor.pid)
  const [kills, watched, ...outcomes] = await Promise.all([
    killer(mentor, settings, seeded(seed)),
    watch(mentor, until),
    ...Array.from({ length: clients }, (_, n) => client(mentor, until, seeded(seed + n + 1))),
  ])
  return {
    kills,
    outcomes: outcomes.flat(),
    memory: { before, most: watched.most, after: residentMB(mentor.pid) },
    slowestHealth: watched.slowestHealth,
  }
}

async function client(mentor: LadderMentor, until: number, random: Random): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  while (performance.now() < until) {
    outcomes.push(await ask(mentor.url, anyQuestion(random), deadlines.total * 1000 + slackMs))
    await Bun.sleep(random() * 300)
  }
  return outcomes
}

function anyQuestion(random: Random): Asked {
  const endless = random() < 0.5
  const named = random()
  return {
    question: endless ? endlessQuestion : question,
    stream: random() < 0.6,
    // Both are kept in use, so that there is something to kill.
    rung: named < 0.15 ? 'local-model' : named < 0.25 ? 'llm-service' : 'auto',
    maxTokens: endless ? 100 + Math.floor(random() * 3_000) : 256,
    leaveAfter: random() < 0.25 ? random() * 1_500 : null,
  }
}

async function killer(
  mentor: LadderMentor,
  { seconds, kills: count, stoppedSeconds }: StormSettings,
  random: Random,
): Promise<Storm['kills']> {
  const began = performance.now()
  const kills: Storm['kills'] = []
  const stopped: Promise<void>[] = []
  const plan = shuffled(random)
  for (let n = 0; n < count; n++) {
    const due = began + ((n + 0.2 + 0.6 * random()) * seconds * 1000) / count
    await Bun.sleep(Math.max(0, due - performance.now()))
    const { how, role } = plan[n % plan.length] ?? { how: 'SIGKILL', role: 'service' }
    for (const giveUp = performance.now() + 30_000; performance.now() < giveUp; await Bun.sleep(50)) {
      const living = await ladderProcesses(mentor)
      const wanted = living.filter((one) => one.role === role)
      const choice = wanted.length > 0 ? wanted : living
      const victim = choice[Math.floor(random() * choice.length)]
      if (victim === undefined || !signalTo(victim, how)) continue
      kills.push({ how, role: victim.role })
      if (how === 'SIGSTOP') {
        const ms = 200 + random() * 1000 * stoppedSeconds
        stopped.push(Bun.sleep(ms).then(() => void signalTo(victim, 'SIGKILL')))
      }
      break
    }
  }
  await Promise.all(stopped)
  return kills
}

/** Each way with each role, in a random order. */
function shuffled(random: Random): { how: How; role: Role }[] {
  return ways
    .flatMap((how) => roles.map((role) => ({ how, role, at: random() })))
    .toSorted((a, b) => a.at - b.at)
}

async function watch(
  { url, pid }: LadderMentor,
  until: number,
): Promise<{ most: number; slowestHealth: number }> {
  let most = 0
  let slowestHealth = 0
  while (performance.now() < until) {
    const asked = performance.now()
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(slackMs) })
    const { strategy } = await response.json()
    if (!/^Answers come from /.test(strategy)) throw new Error(`/health says ${JSON.stringify(strategy)}`)
    slowestHealth = Math.max(slowestHealth, performance.now() - asked)
    most = Math.max(most, residentMB(pid))
    await Bun.sleep(1_000)
  }
  return { most, slowestHealth }
}

/** What must hold for a question whatever was killed; the reasons why it does not. */
export function faultsOf({ outcomes }: Storm): string[] {
  return outcomes.flatMap((outcome) => {
    const { kind, ms, asked } = outcome
    const said = JSON.stringify({ ...outcome, ms: Math.round(ms) })
    if (kind === 'wrong') return [said]
    if (ms > deadlines.total * 1000 + slackMs) return [`past its deadline: ${said}`]
    if (kind !== 'error') return []
    // Only a named rung may be missing; an answer that was begun ends with its model.
    const allowed =
      asked.rung === 'auto'
        ? /^(502 )?model_(failed|timeout)$/
        : /^(502 )?model_(failed|timeout)$|^503 rung_unavailable$/
    return allowed.test(outcome.code) ? [] : [said]
  })
}

/** Most frequent first; what differs from one time to the next is left out of their words. */
function reasonsOf(outcomes: Outcome[]): string[] {
  const reasons = outcomes.flatMap((one) => {
    if (one.kind === 'answer') return one.passed
    return one.kind === 'error' ? [`${one.code}: ${one.message}`] : []
  })
  return tally(
    reasons.map((reason) => reason.replace(/127[.]0[.]0[.]1:\d+/g, 'HOST').replace(/\d+(?=[ ]s)/g, 'N')),
  )
}

export function figures({ kills, outcomes, memory, slowestHealth }: Storm): string {
  const slowest = outcomes.reduce((most, { ms }) => Math.max(most, ms), 0)
  const of = (rung: Asked['rung']) => outcomes.filter(({ asked }) => asked.rung === rung)
  const results = (some: Outcome[]) =>
    tally(
      some.map((one) => {
        if (one.kind === 'answer') return `answered by ${one.rung}`
        if (one.kind === 'error') return `error ${one.code} ${one.shown ? 'after text' : 'before text'}`
        return one.kind
      }),
    )
  return [
    `${kills.length} kills: ${tally(kills.map(({ how, role }) => `${how} of ${role}`)).join(', ')}`,
    `${outcomes.length} questions, the slowest ${(slowest / 1000).toFixed(1)} s (deadline ${deadlines.total} s)`,
    ...(['auto', 'llm-service', 'local-model'] as const).map(
      (rung) => `  asked of ${rung} (${of(rung).length}): ${results(of(rung)).join(', ')}`,
    ),
    'reasons:',
    ...reasonsOf(outcomes).map((reason) => `  ${reason}`),
    `backend: ${memory.before} MB before, ${memory.most} MB at most, ${memory.after} MB after; /health took ${Math.round(slowestHealth)} ms at most`,
  ].join('\n')
}
