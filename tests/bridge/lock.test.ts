import { existsSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { locked } from '#bridge/lock.ts'
import { person } from './support.ts'

const path = (): string => join(person().GATEHOUSE_CONFIG_DIR, 'a.lock')
const clock = systemClock

test('one at a time, and nothing stays behind', async () => {
  const lock = path()
  let inside = 0
  let most = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      await locked(lock, { clock }, async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
      })
    }),
  )
  expect(most).toBe(1)
  expect(readdirSync(join(lock, '..'))).toEqual([])
})

test('a failure inside gives the lock back', async () => {
  const lock = path()
  await expect(locked(lock, { clock }, async () => await Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  expect(existsSync(lock)).toBe(false)
})

test('a lock of a process that is gone is taken over at once, by one of many, however they interleave', async () => {
  for (let round = 0; round < 8; round += 1) {
    const lock = path()
    // No system counts that far.
    writeFileSync(lock, JSON.stringify({ id: 'x', pid: 2 ** 30, started: '1', host: hostname() }))
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await locked(lock, { clock, patience: 5000 }, async () => {
          inside += 1
          most = Math.max(most, inside)
          for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
          inside -= 1
        })
      }),
    )
    expect(most).toBe(1)
    expect(readdirSync(join(lock, '..'))).toEqual([])
  }
})

test('what a process left behind that died while it took over a lock is given up after its time', async () => {
  const lock = path()
  writeFileSync(lock, JSON.stringify({ id: 'x', pid: 2 ** 30, started: '1', host: hostname() }))
  writeFileSync(`${lock}.removing`, '')
  await expect(locked(lock, { clock, patience: 100 }, async () => 'no')).rejects.toThrow(/holds the login/)
  utimesSync(`${lock}.removing`, new Date(0), new Date(0))
  expect(await locked(lock, { clock, patience: 1000 }, async () => 'done')).toBe('done')
  expect(readdirSync(join(lock, '..'))).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'a lock of a process whose number was given to another is taken over',
  async () => {
    const lock = path()
    writeFileSync(lock, JSON.stringify({ id: 'x', pid: process.pid, started: '1', host: hostname() }))
    expect(await locked(lock, { clock, patience: 1000 }, async () => 'done')).toBe('done')
  },
)

test('a lock of a process that lives is waited for, and not taken', async () => {
  const lock = path()
  await locked(lock, { clock }, async () => {
    const before = readFileSync(lock, 'utf8')
    await expect(locked(lock, { clock, patience: 100 }, async () => 'no')).rejects.toThrow(/holds the login/)
    expect(readFileSync(lock, 'utf8')).toBe(before)
  })
})

test('a lock older than its time is taken over from whoever holds it, also from another machine', async () => {
  const lock = path()
  writeFileSync(lock, JSON.stringify({ id: 'x', pid: 1, started: '', host: 'another-machine' }))
  await expect(locked(lock, { clock, patience: 100 }, async () => 'no')).rejects.toThrow(/holds the login/)
  utimesSync(lock, new Date(0), new Date(0))
  expect(await locked(lock, { clock, patience: 1000 }, async () => 'done')).toBe('done')
})
