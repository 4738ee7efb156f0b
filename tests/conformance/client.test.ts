import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { clientScenarios } from './client-suite.ts'
import { REVISIONS, type Row } from './suite.ts'

/** The bridge as it is built, in processes of their own, as a host starts it. */
let rows: readonly Row[]
beforeAll(async () => {
  const run = promisify(execFile)
  const options = { maxBuffer: 64 * 1024 * 1024 }
  await run(process.execPath, [fileURLToPath(new URL('../../.ci/build.js', import.meta.url))], options)
  const script = fileURLToPath(new URL('client-run.ts', import.meta.url))
  const flags = ['--conditions=gatehouse-source', '--import', 'tsx', script, '--json', '--required']
  const { stdout } = await run(process.execPath, flags, options)
  rows = JSON.parse(stdout) as Row[]
}, 600_000)

/** How many scenarios the pinned suite requires of a client: fewer would mean that something was not run. */
const EXPECTED = { '2026-07-28': 32, '2025-11-25': 18 } as const

describe.each(REVISIONS)('the official conformance suite for clients, %s, through the bridge', (revision) => {
  const of = (): readonly Row[] => rows.filter((row) => row.revision === revision)

  test('ran every scenario it requires', async () => {
    expect((await clientScenarios(revision)).required).toHaveLength(EXPECTED[revision])
    expect(of()).toHaveLength(EXPECTED[revision])
  })

  test('passes every one, and each has checked something', () => {
    expect(of().filter(({ failures, passed }) => failures.length > 0 || passed === 0)).toEqual([])
  })
})
