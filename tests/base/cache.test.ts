import { expect, test } from 'vitest'
import { SingleFlight, TtlCache } from '#base/cache.ts'

const clockAt = (time: { now: number }) => ({ now: () => time.now })

test('an entry is there until its time is up, not a millisecond longer', () => {
  const time = { now: 1000 }
  const cache = new TtlCache<{ n: number }>({ max: 2, clock: clockAt(time) })
  cache.set('a', { n: 1 }, 50)
  time.now = 1049
  expect(cache.get('a')).toEqual({ n: 1 })
  time.now = 1050
  expect(cache.get('a')).toBeUndefined()
  expect(cache.size).toBe(0)
})

test('nothing is stored for no time', () => {
  const cache = new TtlCache<object>({ max: 2, clock: clockAt({ now: 0 }) })
  cache.set('a', {}, 0)
  cache.set('b', {}, -5)
  expect(cache.size).toBe(0)
})

test('the least recently used entry goes first', () => {
  const cache = new TtlCache<{ n: number }>({ max: 2, clock: clockAt({ now: 0 }) })
  cache.set('a', { n: 1 }, 10)
  cache.set('b', { n: 2 }, 10)
  cache.get('a')
  cache.set('c', { n: 3 }, 10)
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([{ n: 1 }, undefined, { n: 3 }])
})

test('entries are dropped by what they hold, by name, and all at once', () => {
  const cache = new TtlCache<{ n: number }>({ max: 5, clock: clockAt({ now: 0 }) })
  for (const n of [1, 2, 3, 4]) cache.set(`k${n}`, { n }, 10)
  cache.deleteWhere(({ n }) => n % 2 === 0)
  expect(cache.size).toBe(2)
  cache.delete('k1')
  expect(cache.get('k1')).toBeUndefined()
  cache.clear()
  expect(cache.size).toBe(0)
})

test('what has expired is given up as new entries come: keys that are asked for once do not fill the cache to its bound', () => {
  const time = { now: 0 }
  const cache = new TtlCache<{ n: number }>({ max: 100_000, clock: clockAt(time) })
  let most = 0
  for (let n = 0; n < 5_000; n++) {
    time.now = n
    cache.set(`k${n}`, { n }, 100)
    most = Math.max(most, cache.size)
  }
  // 100 are alive at any time.
  expect(most).toBeLessThanOrEqual(101)
  expect([cache.get('k4899'), cache.get('k4900')]).toEqual([undefined, { n: 4900 }])
})

test('entries that never stop being used keep nothing that has expired', () => {
  const time = { now: 0 }
  const cache = new TtlCache<{ n: number }>({ max: 100_000, clock: clockAt(time) })
  let most = 0
  for (let n = 0; n < 5_000; n++) {
    time.now = n
    // Stored anew only when it has expired, as by whoever asks for a value that is loaded then.
    for (const busy of ['a', 'b', 'c']) if (cache.get(busy) === undefined) cache.set(busy, { n }, 400)
    // Asked for until its end: it stands behind others that live on.
    cache.set(`k${n}`, { n }, n % 2 === 0 ? 100 : 400)
    cache.get(`k${n - 99}`)
    most = Math.max(most, cache.size)
  }
  // Within the longest time 400 came, and another 99 were asked for in their last moment.
  expect(most).toBeLessThanOrEqual(3 + 400 + 99 + 1)
})

test('a stored value that is stored again lives for its new time', () => {
  const time = { now: 0 }
  const cache = new TtlCache<{ n: number }>({ max: 10, clock: clockAt(time) })
  cache.set('a', { n: 1 }, 10)
  time.now = 9
  cache.set('a', { n: 2 }, 10)
  time.now = 12
  cache.set('b', { n: 3 }, 10)
  expect(cache.get('a')).toEqual({ n: 2 })
})

test('many who ask together cause one piece of work, and the next one starts anew', async () => {
  const flights = new SingleFlight<number>()
  let started = 0
  const work = async () => await Promise.resolve((started += 1))
  expect(await Promise.all([1, 2, 3].map(async () => await flights.run('k', work)))).toEqual([1, 1, 1])
  expect(await flights.run('k', work)).toBe(2)
})

test('a failure reaches all who waited for it and nobody after them', async () => {
  const flights = new SingleFlight<number>()
  const fail = async () => await Promise.reject(new Error('no'))
  const results = await Promise.allSettled([flights.run('k', fail), flights.run('k', fail)])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await flights.run('k', async () => await Promise.resolve(7))).toBe(7)
})
