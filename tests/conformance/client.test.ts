import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { runClientSuite } from './client-suite.ts'

/** The bridge as it is built, in processes of its own, as a host starts it. Scenarios take seconds each: CI runs all, `npm run conformance:client`. */
beforeAll(async () => {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../.ci/build.js', import.meta.url))])
}, 120_000)

test('the bridge passes scenarios of the official suite for clients: discovery, registration, tools and a scope that grows', async () => {
  const named = ['tools_call', 'auth/metadata-default', 'auth/basic-cimd', 'auth/scope-step-up']
  const rows = await runClientSuite('2026-07-28', named)
  expect(rows.map(({ scenario }) => scenario).toSorted()).toEqual(named.toSorted())
  expect(rows.filter(({ failures, passed }) => failures.length > 0 || passed === 0)).toEqual([])
}, 120_000)
