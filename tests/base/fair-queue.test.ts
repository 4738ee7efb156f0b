import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import { createFairQueue, type FairQueue } from '#base/fair-queue.ts'
import type { FairQueueOptions } from '#base/fair-queue-options.ts'

const rooms: { readonly leave: () => void }[][] = []
/** Nobody may wait when a test is over: their time would run out in the middle of another. */
afterEach(async () => {
  for (const inside of rooms.splice(0))
    while (inside.length > 0) {
      inside.shift()?.leave()
      await turn()
    }
})

/** A queue on a clock that only the test moves, and what was let in, in order. */
function room(options: Partial<Omit<FairQueueOptions, 'now' | 'places' | 'most'>> & { places: number; most?: number }) {
  const time = { at: 0 }
  const { places, most = places, ...rest } = options
  const queue = createFairQueue({
    patience: 60_000,
    maxWaiting: 1_000,
    charge: 'time',
    refuse: (why) => new Error(why),
    ...rest,
    places: () => places,
    most: () => most,
    now: () => time.at,
  })
  const inside: { readonly party: string; readonly leave: () => void }[] = []
  rooms.push(inside)
  const order: string[] = []
  const come = async (party: string, weight?: number): Promise<void> => {
    const leave = await queue.enter(party, weight === undefined ? {} : { weight })
    inside.push({ party, leave })
    order.push(party)
  }
  /** The one of the party that has been inside longest leaves. */
  const go = (party: string): void => {
    const at = inside.findIndex((one) => one.party === party)
    if (at === -1) throw new Error(`nobody of ${party} is inside`)
    inside.splice(at, 1)[0]?.leave()
  }
  return { time, queue, inside, order, come, go }
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

/** Two hundred callers of the flood inside and waiting. */
async function flooded(places: number, most = places): Promise<ReturnType<typeof room>> {
  const made = room({ places, most })
  for (let call = 0; call < 200; call++) void made.come('flood')
  await turn()
  return made
}

test('fair queue order: a tenant with 200 waiting never stands before one with a single call', async () => {
  const { inside, order, come, time } = await flooded(1)
  expect(order).toEqual(['flood'])
  for (let round = 0; round < 5; round++) {
    void come('quiet')
    time.at += 10
    inside.shift()?.leave()
    await turn()
    expect(order.at(-1)).toBe('quiet')
    time.at += 10
    inside.shift()?.leave()
    await turn()
    expect(order.at(-1)).toBe('flood')
  }
})

test('fair queue order: whoever waits all the while gets the same, whatever each call lasts and however many wait (property)', async () => {
  const lasts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 2, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(lasts, fc.array(fc.nat(200), { maxLength: 5 }), async (durations, more) => {
      const { inside, come, time } = room({ places: 1 })
      const had = durations.map(() => 0)
      durations.forEach((_, party) => {
        for (let call = 0; call < 2 + (more[party] ?? 0); call++) void come(String(party))
      })
      await turn()
      for (let served = 0; served < 60; served++) {
        const [next] = inside.splice(0, 1)
        if (next === undefined) break
        const party = Number(next.party)
        time.at += durations[party] ?? 0
        had[party] = (had[party] ?? 0) + (durations[party] ?? 0)
        // There is always one more behind: it never runs dry.
        void come(next.party)
        next.leave()
        await turn()
      }
      // One call is not cut in two, and what a first one lasts is a guess: so far apart they may be, and no further.
      const longest = Math.max(...durations)
      expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(2 * longest + 2 * 5)
    }),
    { numRuns: 60 },
  )
})

test('never more inside than there are places, never more of one party than its share, and all are served (property)', async () => {
  const calls = fc.array(fc.record({ party: fc.nat(4), weight: fc.integer({ min: 1, max: 12 }), first: fc.nat(6) }), {
    minLength: 1,
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(calls, fc.integer({ min: 1, max: 10 }), async (all, places) => {
      const most = Math.max(1, Math.floor(places / 2))
      const { queue, inside, order, come, time } = room({ places, most })
      const limits = (): void => {
        expect(queue.count().held).toBeLessThanOrEqual(places)
        for (const { party } of inside)
          if (inside.filter((one) => one.party === party).length > 1)
            expect(queue.count(party).held).toBeLessThanOrEqual(most)
      }
      for (const { party, weight, first } of all) {
        void come(String(party), weight)
        await turn()
        limits()
        time.at += 7
        inside.splice(first, 1)[0]?.leave()
        await turn()
        limits()
      }
      while (inside.length > 0) {
        time.at += 7
        inside.shift()?.leave()
        await turn()
        limits()
      }
      expect(order.length).toBe(all.length)
      expect(queue.count()).toEqual({ held: 0, waiting: 0 })
    }),
    { numRuns: 60 },
  )
})

test('alone a tenant has its most; one place is always kept for a tenant that holds none', async () => {
  const { queue, come } = await flooded(9, 8)
  expect(queue.count('flood')).toEqual({ held: 8, waiting: 192 })
  await come('quiet')
  expect(queue.count('quiet')).toEqual({ held: 1, waiting: 0 })
})

test('who wants many connections gets an even share while others want them too, and the share returns after the flood', async () => {
  const { queue, inside, come, time } = room({ places: 8, most: 6 })
  const busy = (party: string) => inside.filter((one) => one.party === party)
  const leave = (party: string): void => {
    const at = inside.findIndex((one) => one.party === party)
    inside.splice(at, 1)[0]?.leave()
  }
  for (let call = 0; call < 40; call++) void come('flood')
  await turn()
  expect(busy('flood').length).toBe(6)
  for (let call = 0; call < 40; call++) void come('other')
  for (let round = 0; round < 20; round++) {
    time.at += 200
    for (const party of ['flood', 'other']) if (busy(party).length > 0) leave(party)
    for (const party of ['flood', 'other']) void come(party)
    await turn()
  }
  expect(busy('flood').length).toBe(4)
  expect(busy('other').length).toBeGreaterThanOrEqual(3)
  // The flood ends. Nothing of it stays after two seconds.
  for (const party of ['flood', 'other'])
    while (queue.count(party).held > 0) {
      leave(party)
      await turn()
    }
  time.at += 3_000
  for (let call = 0; call < 10; call++) void come('other')
  await turn()
  expect(queue.count('other').held).toBe(6)
})

test('a tenant that is hardly there takes little of the share of one that works', async () => {
  const { queue, inside, come, time } = room({ places: 9, most: 5 })
  for (let call = 0; call < 10; call++) {
    await come('whisper')
    time.at += 2
    inside.shift()?.leave()
    time.at += 200
  }
  for (let call = 0; call < 10; call++) void come('worker')
  await turn()
  expect(queue.count('worker').held).toBe(5)
})

test('a tenant whose calls last long has so much less of its share while others are about', async () => {
  let limit = 200
  const { queue, inside, come, time, go } = room({ places: 9, most: 4, part: (usual) => Math.min(1, limit / usual) })
  const spend = async (milliseconds: number): Promise<number> => {
    for (let call = 0; call < 30; call++) void come('slow')
    for (let round = 0; round < 20; round++) {
      await come('quiet')
      go('quiet')
      time.at += milliseconds
      inside.shift()?.leave()
      await turn()
    }
    return queue.count('slow').held
  }
  expect(await spend(20)).toBe(4)
  expect(await spend(900)).toBe(1)
  limit = 2_000
  expect(await spend(900)).toBe(3)
})

test('where it is contended a tenant with many callers is let in one by one, and one with few is not', async () => {
  const { queue, come, time, go } = room({ places: 50, contended: () => 1 })
  for (let call = 0; call < 3; call++) await come('quiet')
  for (let call = 0; call < 40; call++) void come('flood')
  await turn()
  time.at += 10
  for (let call = 0; call < 10; call++) {
    go('flood')
    await turn()
  }
  expect(queue.count('flood').held).toBe(1)
  expect(queue.count('flood').waiting).toBeGreaterThan(20)
  await come('quiet')
  expect(queue.count('quiet')).toEqual({ held: 4, waiting: 0 })
})

test('below one call at a time a tenant with many callers rests after each, and one with few does not', async () => {
  let part = 0.5
  const { queue, come, time, go } = room({ places: 50, contended: () => part })
  await come('quiet')
  for (let call = 0; call < 40; call++) void come('flood')
  await turn()
  const end = async (): Promise<void> => {
    time.at += 10
    go('flood')
    await turn()
  }
  while (queue.count('flood').held > 0) await end()
  expect(queue.count('flood').waiting).toBeGreaterThan(20)
  await come('quiet')
  expect(queue.count('quiet').held).toBe(2)
  // As long as its call lasted, so that it is there half of the time; but no longer than this.
  time.at += 250
  await until(() => queue.count('flood').held === 1)
  await end()
  expect(queue.count('flood').held).toBe(0)
  // So that nobody is left waiting when the test is over.
  part = 50
  time.at += 250
  await until(() => queue.count('flood').held > 0)
})

test('who was away has saved nothing up', async () => {
  const { inside, order, come, time } = await flooded(1)
  for (let call = 0; call < 20; call++) {
    time.at += 10
    inside.shift()?.leave()
    await turn()
  }
  for (let call = 0; call < 20; call++) void come('returned')
  for (let call = 0; call < 10; call++) {
    time.at += 10
    inside.shift()?.leave()
    await turn()
  }
  const lately = order.slice(-10)
  expect(lately.filter((party) => party === 'flood').length).toBeGreaterThanOrEqual(4)
})

test('a heavy caller is not passed for ever by light ones', async () => {
  const { inside, order, come, time } = room({ places: 4, charge: 'calls' })
  for (let call = 0; call < 4; call++) void come(`light ${call}`)
  await turn()
  void come('heavy', 4)
  for (let call = 0; call < 30; call++) {
    void come(`light ${call % 4}`)
    time.at += 1
    inside.shift()?.leave()
    await turn()
  }
  expect(order).toContain('heavy')
})

const refused = async (answer: ReturnType<FairQueue['enter']>): Promise<unknown> =>
  await Promise.resolve(answer).then(
    () => 'in',
    (error: unknown) => (error instanceof Error ? error.message : error),
  )

test('who waits too long, or comes when too many wait, is refused; who gives up leaves no trace', async () => {
  const { queue } = room({ places: 1, patience: 5, maxWaiting: 1 })
  const leave = await queue.enter('a')
  const late = refused(queue.enter('a'))
  expect(await refused(queue.enter('a'))).toBe('full')
  expect(await late).toBe('late')
  const gone = new AbortController()
  const given = refused(queue.enter('a', { signal: gone.signal }))
  gone.abort(new Error('gone'))
  expect(await given).toBe('gone')
  expect(() => queue.enter('a', { signal: gone.signal })).toThrow('gone')
  leave()
  leave()
  expect(queue.count()).toEqual({ held: 0, waiting: 0 })
  await vi.waitFor(async () => (await queue.enter('a'))())
})

/** How many of a party's callers are inside, beside a flood that has been there for a while. */
async function insideBeside(flood: number, callers: number): Promise<number> {
  const { queue, come, time } = room({ places: 900, most: 300, contended: () => 1 / 16 })
  for (let call = 0; call < flood; call++) void come('flood')
  await turn()
  time.at += 200
  for (let call = 0; call < callers; call++) void come('party')
  await turn()
  return queue.count('party').held
}

test('a tenant with some callers beside one with very many is not held back with it', async () => {
  expect(await insideBeside(60, 8)).toBe(8)
})

test('a huge party sets no other one with many callers free', async () => {
  expect(await insideBeside(250, 60)).toBeLessThan(40)
})

test('a tenant of whose calls none has ended yet has two places beside others, and its share as soon as one was quick', async () => {
  const { queue, come, time, go } = room({ places: 9, most: 4, part: (usual) => Math.min(1, 20 / usual) })
  await come('other')
  for (let call = 0; call < 6; call++) void come('new')
  await turn()
  expect(queue.count('new').held).toBe(2)
  time.at += 3
  go('new')
  await turn()
  expect(queue.count('new').held).toBe(4)
})

test('where everybody’s calls last long nobody has less for it', async () => {
  const { queue, inside, come, time } = room({ places: 9, most: 4, part: (usual) => Math.min(1, 20 / usual) })
  for (let call = 0; call < 8; call++) for (const party of ['one', 'two']) void come(party)
  for (let round = 0; round < 6; round++) {
    await turn()
    time.at += 150
    inside.shift()?.leave()
  }
  await turn()
  expect([queue.count('one').held, queue.count('two').held]).toEqual([4, 4])
})

test('who waits hears that the others have gone, though nobody comes any more', async () => {
  const { queue, come, time, go } = room({ places: 9, most: 4, part: (usual) => Math.min(1, 20 / usual) })
  const end = async (party: string): Promise<void> => {
    go(party)
    await turn()
  }
  await come('quick')
  for (let call = 0; call < 20; call++) void come('slow')
  await turn()
  time.at += 3
  await end('quick')
  for (let call = 0; call < 3; call++) {
    time.at += 400
    await end('slow')
  }
  expect(queue.count('slow').held).toBe(1)
  time.at += 2_500
  await end('slow')
  expect(queue.count('slow').held).toBe(4)
})
