import { describe, expect, test } from 'vitest'
import type { Change, Database } from '#db/database.ts'
import { RegistryCache, watchRegistry, type RegistryWatch } from '#tenancy/registry-cache.ts'

/** What a cache knows of the database: that it can be listened to. */
async function heard() {
  const nothing: (change: Change) => void = () => {}
  const state = { live: true, change: nothing, gap: (): void => {} }
  const database: Pick<Database, 'listen'> = {
    async listen(onChange, onGap) {
      Object.assign(state, { change: onChange, gap: onGap })
      return {
        get live() {
          return state.live
        },
      }
    },
  }
  return { state, watch: await watchRegistry(database) }
}

interface Held {
  readonly name: string
  readonly n: number
}

function cacheOver(watch: RegistryWatch) {
  let now = 0
  let loads = 0
  const pending: (() => void)[] = []
  const cache = new RegistryCache<Held>({
    watch,
    clock: { now: () => now },
    max: 2,
    affected: ({ name }, { id }) => id === name,
    apart: ({ name }) => name.startsWith('refused'),
  })
  return {
    advance: (milliseconds: number) => void (now += milliseconds),
    pending,
    get: async (name: string) => await cache.get(name, async () => ({ name, n: (loads += 1) })),
    /** A load that ends when `pending` says so. */
    slowly: async (name: string) =>
      await cache.get(name, async () => {
        const n = (loads += 1)
        await new Promise<void>((resolve) => pending.push(resolve))
        return { name, n }
      }),
    fail: async (name: string) =>
      await cache.get(name, async () => {
        throw new RangeError('no')
      }),
  }
}

const change = (id: string): Change => ({ table: 'members', tenant: null, id })

describe('what is held of the registry', () => {
  test('D21: serves 30 seconds, and 5 while changes are not known to arrive', async () => {
    const { state, watch } = await heard()
    const { get, advance } = cacheOver(watch)
    expect([(await get('a')).n, (await get('a')).n]).toEqual([1, 1])
    advance(29_999)
    expect((await get('a')).n).toBe(1)
    advance(1)
    expect((await get('a')).n).toBe(2)
    state.live = false
    expect((await get('b')).n).toBe(3)
    advance(4_999)
    expect((await get('b')).n).toBe(3)
    advance(1)
    expect((await get('b')).n).toBe(4)
  })

  test('D21: a change drops what it concerns and nothing else, refusals too; a gap drops everything', async () => {
    const { state, watch } = await heard()
    const { get } = cacheOver(watch)
    const all = async (): Promise<number[]> => {
      const found: number[] = []
      for (const name of ['a', 'b', 'refused a', 'refused b']) found.push((await get(name)).n)
      return found
    }
    expect(await all()).toEqual([1, 2, 3, 4])
    state.change(change('a'))
    expect(await all()).toEqual([5, 2, 3, 4])
    state.change(change('refused b'))
    expect(await all()).toEqual([5, 2, 3, 6])
    state.gap()
    expect(await all()).toEqual([7, 8, 9, 10])
    watch.invalidate(change('b'))
    expect(await all()).toEqual([7, 11, 9, 10])
  })

  test('a flood of refusals pushes nobody out', async () => {
    const { get } = cacheOver((await heard()).watch)
    const first = await get('a')
    for (let n = 0; n < 10; n++) await get(`refused ${n}`)
    expect((await get('a')).n).toBe(first.n)
    for (const name of ['b', 'c']) await get(name)
    expect((await get('a')).n).not.toBe(first.n)
  })

  test('D21: an entry is stored only if nothing changed since its load began, and nobody joins an older load', async () => {
    const { state, watch } = await heard()
    const { slowly, get, pending } = cacheOver(watch)
    const before = slowly('a')
    const beside = slowly('a')
    state.change(change('another'))
    const after = slowly('a')
    expect(pending).toHaveLength(2)
    for (const finish of pending.splice(0).toReversed()) finish()
    expect([(await before).n, (await beside).n, (await after).n]).toEqual([1, 1, 2])
    expect((await get('a')).n).toBe(2)
  })

  test('D21: a gap during a load keeps it from being stored', async () => {
    const { state, watch } = await heard()
    const { slowly, get, pending } = cacheOver(watch)
    const load = slowly('a')
    state.gap()
    for (const finish of pending.splice(0)) finish()
    expect((await load).n).toBe(1)
    expect((await get('a')).n).toBe(2)
  })

  test('an error is told to who asked and never stored', async () => {
    const { fail, get } = cacheOver((await heard()).watch)
    await expect(fail('a')).rejects.toThrow(RangeError)
    expect((await get('a')).n).toBe(1)
  })

  test('generations count changes and gaps', async () => {
    const { state, watch } = await heard()
    expect(watch.generation).toBe(0)
    state.change(change('a'))
    state.gap()
    watch.invalidate(null)
    expect(watch.generation).toBe(3)
  })
})
