import { expect, test } from 'bun:test'
import { fairQueue } from '../../embedding/fair-queue.ts'

function filled() {
  const queue = fairQueue<string>()
  const [a, b] = [queue.lane(), queue.lane()]
  for (const item of ['a1', 'a2', 'a3']) a.push(item)
  b.push('b1')
  return { queue, a, b }
}

test('lanes take turns, each in its own order', () => {
  const { queue, b } = filled()
  expect(queue.size).toBe(4)
  expect([queue.next(), queue.next(), queue.next()]).toEqual(['a1', 'b1', 'a2'])
  b.push('b2')
  expect(queue.drain()).toEqual(['a3', 'b2'])
  expect(queue.size).toBe(0)
  expect(queue.next()).toBeUndefined()
})

test('what is put back comes first in its lane', () => {
  const { queue, a } = filled()
  expect(queue.next()).toBe('a1')
  a.putBack('a1')
  expect(queue.size).toBe(4)
  expect(queue.drain()).toEqual(['b1', 'a1', 'a2', 'a3'])
  a.putBack('again')
  expect(queue.drain()).toEqual(['again'])
})

test('a lane that is cleared is passed over and can be used again', () => {
  const { queue, a } = filled()
  a.clear()
  expect(queue.size).toBe(1)
  expect(queue.next()).toBe('b1')
  a.push('a4')
  expect(queue.drain()).toEqual(['a4'])
  a.clear()
  expect(queue.size).toBe(0)
})

test('a long lane is emptied in time that grows with its length', () => {
  const queue = fairQueue<number>()
  const lane = queue.lane()
  for (let i = 0; i < 300_000; i++) lane.push(i)
  const started = performance.now()
  expect(queue.drain()).toHaveLength(300_000)
  expect(performance.now() - started).toBeLessThan(5000)
})
