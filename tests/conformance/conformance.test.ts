import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { explained } from './report.ts'
import { REVISIONS, requirements, type Row } from './suite.ts'

/** In a process of its own, as `npm run conformance` does it: Node's loader hook for `gatehouse` does not reach into the test runner. */
let rows: readonly Row[]
beforeAll(async () => {
  const script = fileURLToPath(new URL('run.ts', import.meta.url))
  const flags = ['--conditions=gatehouse-source', '--import', 'tsx', script, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, flags, { maxBuffer: 64 * 1024 * 1024 })
  rows = JSON.parse(stdout) as Row[]
}, 300_000)

/** How many scenarios the pinned suite has: fewer would mean that something was not run. */
const EXPECTED = { '2026-07-28': { required: 37, all: 50 }, '2025-11-25': { required: 30, all: 33 } } as const

describe.each(REVISIONS)('the official conformance suite, %s', (revision) => {
  const of = (): readonly Row[] => rows.filter((row) => row.revision === revision)

  test('ran every scenario', async () => {
    expect(of()).toHaveLength(EXPECTED[revision].all)
    expect(of().filter(({ required }) => required)).toHaveLength(EXPECTED[revision].required)
    expect((await requirements(revision)).length).toBe(EXPECTED[revision].required)
  })

  test('passes every required scenario but those that docs/conformance.md explains', async () => {
    const failed = of().filter(({ required, failures }) => required && failures.length > 0)
    const named = failed.map(({ scenario }) => `${revision} ${scenario}`)
    expect(named, failed.flatMap(({ failures }) => failures).join('\n')).toEqual(
      (await explained()).filter((name) => name.startsWith(revision)),
    )
  })

  test('every required scenario that passed has checked something', () => {
    const empty = of().filter(
      ({ required, passed, warnings, failures }) => required && failures.length === 0 && passed + warnings === 0,
    )
    expect(empty).toEqual([])
  })
})
