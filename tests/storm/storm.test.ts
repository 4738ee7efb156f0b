import { expect, test } from 'vitest'
import { BUILT } from '../support/processes.ts'
import { MUST_BE_ZERO, report } from './report.ts'
import { storm } from './storm.ts'

/** The large one is `npm run storm`; docs/proof.md holds its figures. */
test('a small storm: no foreign row, nothing served after its cut-off, no write and no audit row lost', async () => {
  const size = { tenants: 6, processes: 2, calls: 600, callers: 12 }
  const figures = await storm({ ...size, program: BUILT, bouncer: null })
  expect(report(figures).lines.join('\n')).toContain('audit rows')
  expect(figures).toMatchObject({
    ...Object.fromEntries(MUST_BE_ZERO.map((name) => [name, 0])),
    complaints: [],
  })
  // Otherwise the zeros above would say nothing.
  expect(figures.calls).toBeGreaterThanOrEqual(size.calls)
  expect(figures.rowsRead).toBeGreaterThan(300)
  expect(figures.acknowledgedWrites).toBeGreaterThan(100)
  expect(figures.callsAfterCutOff).toBeGreaterThan(0)
  expect(Object.keys(figures.callsByToken).sort()).toEqual(['api-key', 'oidc', 'shared-secret', 'static-key'])
}, 90_000)
