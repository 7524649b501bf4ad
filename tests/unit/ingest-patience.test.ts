import { describe, expect, test } from 'bun:test'
import { DatabaseFull, DatabaseUnavailable } from '../../db/errors.ts'
import { patiently } from '../../ingest/patience.ts'
import { openRoom } from '../../ingest/room.ts'

describe('patience', () => {
  test('does the work again while the database is away', async () => {
    let attempts = 0
    const value = await patiently(async () => {
      if (++attempts < 3) throw new DatabaseUnavailable('restarting')
      return attempts
    })
    expect(value).toBe(3)
  })

  test('has none with what will not pass, nor once it is stopped', async () => {
    let attempts = 0
    const full = patiently(async () => {
      attempts++
      throw new DatabaseFull('no room')
    })
    await expect(full).rejects.toThrow('no room')
    const stopped = patiently(
      async () => {
        attempts++
        throw new DatabaseUnavailable('gone')
      },
      { signal: AbortSignal.abort() },
    )
    await expect(stopped).rejects.toThrow('gone')
    expect(attempts).toBe(2)
  })

  test('takes the proof that a lost attempt was carried out, from the second attempt on', async () => {
    const work = (errors: Error[]) => () => Promise.reject(errors.shift() ?? new Error('asked too often'))
    const carriedOut = async (error: unknown) =>
      String(error).includes('duplicate') ? { value: 'done' } : null
    expect(
      await patiently(work([new DatabaseUnavailable('cut off'), new Error('duplicate key')]), { carriedOut }),
    ).toBe('done')
    // The first attempt's own error is no such proof.
    await expect(patiently(work([new Error('duplicate key')]), { carriedOut })).rejects.toThrow(
      'duplicate key',
    )
  })
})

test('room is given first come, first served, and whoever wants more than all gets all', async () => {
  const room = openRoom(10)
  const order: string[] = []
  const enter = (name: string, places: number) => room.take(places).then(() => order.push(name))
  await enter('a', 8)
  const large = enter('large', 50)
  const small = enter('small', 1)
  await Promise.resolve()
  expect(order).toEqual(['a'])
  room.give(8)
  await large
  expect(order).toEqual(['a', 'large'])
  room.give(50)
  await small
  expect(order).toEqual(['a', 'large', 'small'])
})
