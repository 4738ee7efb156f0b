/** Who answers a read, told by a scripted primary; with a real replica: replica-server.test.ts. */
import { expect, test } from 'vitest'
import type { Log } from '#base/log.ts'
import { TenantBusy } from '#db/database.ts'
import { createReplicas, ReplicaBehind, shared, type Proof, type Replicas } from '#db/replicas.ts'
import { scriptedPool, type Script } from '../support/scripted-pool.ts'

const MARK = { lsn: '0/1A2B', timeline: '1', system: '7' }
const marked: Script = () => ({ rows: [MARK] })

function replicasWith(script: Script, clock = { at: 1_000 }) {
  const server = scriptedPool(script)
  const logged: string[] = []
  const note = (_: object, message: string): void => void logged.push(message)
  const replicas = createReplicas({
    has: (placement) => placement === 'default',
    primary: () => server.pool,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only these two are used
    log: { warn: note, info: note } as unknown as Log,
    now: () => clock.at,
  })
  return { replicas, logged, clock, asked: server.said }
}
const read = async (replicas: Replicas, attempt: (proof: Proof) => Promise<unknown>, begun = false): Promise<unknown> =>
  await replicas.read('default', attempt, () => begun)
const behind = async (): Promise<never> => {
  throw new ReplicaBehind('behind')
}

test('a question to the primary is shared by all who come before it is asked, never by who comes after', async () => {
  const answers: ((value: number) => void)[] = []
  const ask = shared(async () => await new Promise<number>((resolve) => answers.push(resolve)))
  const first = ask()
  const late = [ask(), ask(), ask()]
  expect(answers).toHaveLength(1)
  answers[0]?.(1)
  expect(await first).toBe(1)
  await Promise.resolve()
  expect(answers).toHaveLength(2)
  const later = ask()
  answers[1]?.(2)
  expect(await Promise.all(late)).toEqual([2, 2, 2])
  await new Promise(setImmediate)
  answers[2]?.(3)
  expect(await later).toBe(3)
})

test('a question that failed costs only those who asked it', async () => {
  let turn = 0
  const ask = shared(async () => {
    turn += 1
    if (turn === 1) throw new RangeError('no')
    return turn
  })
  const [first, second] = await Promise.allSettled([ask(), ask()])
  expect(first).toMatchObject({ status: 'rejected' })
  expect(second).toMatchObject({ status: 'fulfilled', value: 2 })
  expect(await ask()).toBe(3)
})

test('the replica is asked for as much as the primary had written, on its timeline and system', async () => {
  const { replicas } = replicasWith(marked)
  let proof: Proof | null = null
  expect(
    await read(replicas, async (given) => {
      proof = given
      return 'rows'
    }),
  ).toEqual({ answer: 'rows' })
  const { text, passed } = proof ?? { text: '', passed: () => true }
  for (const part of ["'0/1A2B'::pg_catalog.pg_lsn", "= '1'", "= '7'", 'pg_is_in_recovery()'])
    expect(text).toContain(part)
  expect([[{ has_all: true }], [{ has_all: false }], [{ has_all: null }], [], [{}]].map(passed)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})

test.each([
  ['cannot be reached', () => Promise.reject(new Error('gone'))],
  ['is in recovery itself', () => ({ rows: [{ ...MARK, lsn: null }] })],
  ['answers what is no position', () => ({ rows: [{ ...MARK, lsn: "0/1'; DROP TABLE x; --" }] })],
  ['answers what is no timeline', () => ({ rows: [{ ...MARK, timeline: "1' OR true" }] })],
  ['answers nothing', () => ({ rows: [] })],
] satisfies [string, Script][])('a primary that %s: the replica is not asked', async (_, script) => {
  const { replicas } = replicasWith(script)
  expect(await read(replicas, async () => 'rows')).toBeNull()
})

test('a placement without a replica asks nobody', async () => {
  const { replicas, asked } = replicasWith(marked)
  expect(
    await replicas.read(
      'second',
      async () => 'rows',
      () => false,
    ),
  ).toBeNull()
  expect(asked).toEqual([])
})

test('a replica that is behind is looked at a few times, then left alone for a while, and one line tells of it', async () => {
  const { replicas, logged, clock } = replicasWith(marked)
  let looks = 0
  expect(
    await read(replicas, async () => {
      looks += 1
      return await behind()
    }),
  ).toBeNull()
  expect(looks).toBe(5)
  expect(await read(replicas, async () => 'rows')).toBeNull()
  clock.at += 501
  expect(await read(replicas, behind)).toBeNull()
  expect(logged).toEqual(['reads go to the primary: its replica cannot answer them'])
  clock.at += 501
  expect(await read(replicas, async () => 'rows')).toEqual({ answer: 'rows' })
  expect(logged).toHaveLength(2)
})

test('one that catches up meanwhile answers', async () => {
  const { replicas } = replicasWith(marked)
  let looks = 0
  const answer = await read(replicas, async () => {
    looks += 1
    return looks < 3 ? await behind() : 'rows'
  })
  expect(answer).toEqual({ answer: 'rows' })
})

test('what fails before the tool begins goes to the primary; what fails afterwards is the call’s own', async () => {
  const { replicas, clock } = replicasWith(marked)
  const fails = (error: Error) => async () => {
    throw error
  }
  expect(await read(replicas, fails(new TenantBusy('no room')))).toBeNull()
  // Being busy is no fault of the replica.
  expect(await read(replicas, async () => 'rows')).toEqual({ answer: 'rows' })
  expect(await read(replicas, fails(new Error('refused')))).toBeNull()
  expect(await read(replicas, async () => 'rows')).toBeNull()
  clock.at += 5_001
  await expect(read(replicas, fails(new RangeError('the tool’s own')), true)).rejects.toThrow(RangeError)
  expect(await read(replicas, async () => 'rows')).toEqual({ answer: 'rows' })
})
