import { expect, test } from 'bun:test'
import { strategyOf } from '../../backend/answer/strategy.ts'
import type { RungName } from '../../backend/answer/types.ts'

const rung = (name: RungName, state: 'ready' | 'unavailable' | 'checking', said: string | null) => ({
  rung: name,
  state,
  reason: state === 'ready' ? null : said,
  model: state === 'ready' ? said : null,
})
const last = rung('context-only', 'ready', null)

test('who answers, and why nobody better does, in one sentence', () => {
  expect(strategyOf([rung('llm-service', 'ready', 'big'), rung('local-model', 'ready', 'small'), last])).toBe(
    'Answers come from the llm-service (big)',
  )
  expect(
    strategyOf([
      rung('llm-service', 'unavailable', 'nothing listens at x:1'),
      rung('local-model', 'ready', 'small'),
      last,
    ]),
  ).toBe(
    'Answers come from the local model (small): the llm-service is not available, nothing listens at x:1',
  )
  expect(
    strategyOf([
      rung('llm-service', 'checking', 'x:1 is loading its model'),
      rung('local-model', 'unavailable', 'off'),
      last,
    ]),
  ).toBe(
    'Answers come from the documents alone, quoted: the llm-service is not ready yet, x:1 is loading its model; the local model is not available, off',
  )
  expect(strategyOf([])).toBe('No rung is ready')
})
