import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openGate, outcomeOf, type Gate } from './support.ts'
import { jwtSubjects } from './subjects/jwt.ts'
import { keySubjects } from './subjects/keys.ts'
import { opaqueSubjects } from './subjects/opaque.ts'
import { CASES, LIMITED, UNAVAILABLE, type Row } from './subjects/subject.ts'

/*
 * For every provider the seven things that can happen to a token, over real HTTP: how it ends (refusal code, HTTP status,
 * Retry-After) and how often the provider was asked. A case that a provider cannot have says why, and what comes closest.
 */
const OUTAGES = [UNAVAILABLE, LIMITED]
const SUBJECTS = { ...jwtSubjects, ...opaqueSubjects, ...keySubjects }

async function inGate(work: (gate: Gate) => Promise<void>): Promise<void> {
  const gate = await openGate()
  try {
    await work(gate)
  } finally {
    await gate.close()
  }
}

const hitsOf = ({ fake }: Gate, { hits }: Row): Record<string, number> =>
  Object.fromEntries([...Object.keys(hits).map((endpoint) => [endpoint, fake.hits(endpoint)]), ['all', fake.hits()]])
const expectedHits = ({ hits }: Row): Record<string, number> => ({
  ...hits,
  all: Object.values(hits).reduce((sum, count) => sum + count, 0),
})

describe.concurrent.each(Object.entries(SUBJECTS))('%s', (_name, { cases }) => {
  test.each(Object.entries(cases))('%s', async (_case, row) => {
    await inGate(async (gate) => {
      const { enter, token } = await row.scene(gate)
      expect(await outcomeOf(enter(token))).toBe(row.ends)
      expect(hitsOf(gate, row)).toEqual(expectedHits(row))
    })
  })

  // Not for "slow" too: it is the same path, and each such test takes its 3 or 5 seconds.
  const unjudged = CASES.filter((name) => name !== 'provider slow' && OUTAGES.includes(cases[name].ends))
  test.each(unjudged)('after "%s" nothing is remembered: with the provider back, so is the caller', async (name) => {
    await inGate(async (gate) => {
      const { enter, token } = await cases[name].scene(gate)
      expect(await outcomeOf(enter(token))).toBe(cases[name].ends)
      gate.fake.reset()
      gate.clock.advance(40_000)
      expect(await outcomeOf(enter(token))).toBe('accepted')
    })
  })

  test('200 concurrent calls with one cold token cause one verification upstream', async () => {
    await inGate(async (gate) => {
      const { enter, token } = await cases.good.scene(gate)
      const outcomes = await Promise.all(Array.from({ length: 200 }, async () => await outcomeOf(enter(token))))
      expect(new Set(outcomes)).toEqual(new Set(['accepted']))
      expect(hitsOf(gate, cases.good)).toEqual(expectedHits(cases.good))
    })
  })
})

test('no provider and no case is missing from the table', () => {
  const folder = fileURLToPath(new URL('../../providers/', import.meta.url))
  const makesProvider = /export function create\w+\([^]*?\): Provider \{/
  const makers = readdirSync(folder).filter((file) => makesProvider.test(readFileSync(folder + file, 'utf8')))
  const proved = new Set(Object.values(SUBJECTS).map(({ file }) => file))
  expect(makers.sort()).toEqual([...proved].sort())
  expect(makers.length).toBeGreaterThanOrEqual(7)
  for (const { cases } of Object.values(SUBJECTS)) expect(Object.keys(cases).sort()).toEqual([...CASES].sort())
})
