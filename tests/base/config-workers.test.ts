import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { ConfigError, type Config } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'

const DATABASE_URL = 'postgres://gatehouse@127.0.0.1:1/gatehouse'
const provider = { API_KEY: 'a-key-of-more-than-32-characters-for-tests', API_KEY_TENANT: 'acme' }
const read = (env: Readonly<Record<string, string>>): Config => loadConfig(env, { cwd: '/' })
const problems = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    read(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('one process serves where nothing is said', () => {
  expect(read({}).workers).toBe(1)
  expect(read({ WORKERS: '1' }).workers).toBe(1)
})

test('WORKERS is a number of processes, or auto for one per core', () => {
  expect(read({ ...provider, DATABASE_URL, WORKERS: '4' }).workers).toBe(4)
  expect(read({ ...provider, DATABASE_URL, WORKERS: 'auto' }).workers).toBe(availableParallelism())
  for (const WORKERS of ['0', '-1', '1.5', 'all', '257'])
    expect(problems({ ...provider, DATABASE_URL, WORKERS })).toEqual([
      'WORKERS: must be a whole number from 1 to 256, or auto',
    ])
})

test('the embedded database refuses more than one, and auto on any machine, and both are named', () => {
  for (const WORKERS of ['2', 'auto'])
    expect(problems({ ...provider, WORKERS })).toEqual([
      'WORKERS: more than one needs DATABASE_URL: the embedded database belongs to one process',
    ])
})

test('the development sign-in refuses more than one: who is signing in is known to one process only', () => {
  expect(problems({ DATABASE_URL, WORKERS: '2' })).toEqual([
    'WORKERS: more than one needs a provider: the development sign-in remembers who is signing in in one process',
  ])
})

test('workers share DATABASE_POOL_TOTAL, and each has its own DATABASE_POOL_MAX', () => {
  const env = { ...provider, DATABASE_URL, WORKERS: '4' }
  expect(read(env).database).toMatchObject({ poolMax: 10, poolTotal: 20 })
  expect(read({ ...env, DATABASE_POOL_TOTAL: '50' }).database).toMatchObject({ poolMax: 10, poolTotal: 12 })
  expect(problems({ ...env, DATABASE_POOL_TOTAL: '39' })).toEqual([
    'DATABASE_POOL_TOTAL: must be at least DATABASE_POOL_MAX times WORKERS (10 x 4): it holds those of all servers and workers',
  ])
})

test('a line at boot says that limits in memory are those of each worker', () => {
  const env = { ...provider, DATABASE_URL, WORKERS: '3' }
  const line = 'RATE_LIMIT_STORE: memory: each of the 3 WORKERS counts for itself; postgres counts for all'
  expect(read(env).warnings).toContain(line)
  expect(read({ ...env, RATE_LIMIT_STORE: 'postgres' }).warnings).not.toContain(line)
  expect(read({ ...env, RATE_LIMIT: 'off' }).warnings).not.toContain(line)
})
