import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '#base/config-load.ts'
import { ConfigError } from '#base/config.ts'
import { expectAnswer, type Row } from './answers.ts'
import { boots } from './rows/boot.ts'
import { claims } from './rows/claims.ts'
import { identity } from './rows/identity.ts'
import { jose } from './rows/jose.ts'
import { keys } from './rows/keys.ts'
import { provider } from './rows/provider.ts'
import { surface } from './rows/surface.ts'
import { transport } from './rows/transport.ts'
import { until } from '../support/until.ts'
import type { Answer } from './wire.ts'
import { startWorld, type World } from './world.ts'

/**
 * The attack list of notes/security.md section 3 against the whole listening server, one test a row. README.md beside this file names
 * the rows where DESIGN and DECISIONS say otherwise, and those whose surface does not exist yet.
 */
const rows: Readonly<Record<string, readonly Row[]>> = {
  '3a transport': transport,
  '3b signature': jose,
  '3c claims': claims,
  '3e identity and tenant': identity,
  '3f keys': keys,
  '3g surface': surface,
  // Last: these move the clock.
  '3d provider and network': provider,
}

let world: World
const answers: (Answer & { readonly row: Row })[] = []

beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => await world.close())

describe.each(Object.entries(rows))('%s', (_, table) => {
  test.each(table.map((row) => [row.id, row.what, row] as const))('%s: %s', async (_id, _what, row) => {
    const before = world.fake.hits()
    const answer = await row.send(world)
    const asked = world.fake.hits() - before
    answers.push({ ...answer, row })
    expectAnswer(row.answer, answer, world)
    await row.also?.(answer, world)
    const { outbound = 0 } = row
    if (typeof outbound === 'number') expect(asked, 'requests to providers').toBe(outbound)
    else expect(asked, 'requests to providers').toBeLessThanOrEqual(outbound.atMost)
  })
})

describe('configurations that stop the start', () => {
  test.each(boots.map((row) => [row.id, row.what, row] as const))('%s: %s', (_id, _what, { env, names }) => {
    let problems: readonly string[] = []
    try {
      loadConfig({ ...env })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems = error.problems
    }
    expect(problems.join('\n')).toMatch(names)
  })
})

test('every cause of a refused token got one and the same answer, to the last header', () => {
  const seen = new Set<string>()
  const refused = answers.filter(({ row }) => row.answer === 'A1')
  for (const { status, headers, text } of refused) {
    const told = [...headers].filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive'].includes(name))
    seen.add(JSON.stringify([status, told.toSorted(([a], [b]) => a.localeCompare(b)), text]))
  }
  expect(refused.length).toBeGreaterThan(150)
  expect([...seen]).toHaveLength(1)
})

test('nobody outside of those configured was ever asked anything', () => {
  expect(world.attacker.hits()).toBe(0)
})

test('no token was ever shown to two providers, and a signed one to none', () => {
  const asked = world.fake.questions.map(({ path, headers, body }) => ({
    provider: path.split('/')[1],
    said: `${headers.authorization ?? ''} ${body}`,
  }))
  const shown = [...world.secrets].map((token) => ({
    token,
    to: new Set(asked.filter(({ said }) => token !== '' && said.includes(token)).map(({ provider }) => provider)),
  }))
  expect(shown.filter(({ to }) => to.size > 0).length).toBeGreaterThan(20)
  expect(shown.filter(({ token, to }) => to.size > 0 && token.split('.').length > 2)).toEqual([])
  const github = new Set(['applications', 'user'])
  const google = new Set(['tokeninfo', 'v1'])
  const one = (to: ReadonlySet<string | undefined>): boolean =>
    to.size < 2 || [github, google].some((paths) => [...to].every((path) => paths.has(path ?? '')))
  expect(shown.filter(({ to }) => !one(to))).toEqual([])
})

test('no token, no part of one and no line of an attacker is in the log or in the audit', async () => {
  const lines = world.server.lines.concat(world.limited.lines).flatMap((chunk) => chunk.trimEnd().split('\n'))
  expect(lines.length).toBeGreaterThan(300)
  for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow()
  let audit: unknown[] = []
  // Refusals are written in batches.
  await until(
    async () => (audit = await world.server.database.sql('SELECT t::text FROM gatehouse.audit t')).length > 150,
  )
  const text = lines.join('\n') + JSON.stringify(audit)
  const parts = [...world.secrets].flatMap((token) => [token, ...token.split('.')]).filter((part) => part.length > 20)
  expect(parts.length).toBeGreaterThan(500)
  expect(parts.filter((part) => text.includes(part))).toEqual([])
  for (const kid of ['dev/null', 'UNION SELECT', 'forged line', 'evil.example/key']) expect(text).not.toContain(kid)
})

test('there are at least 120 rows, and no row is there twice', () => {
  const all = Object.values(rows).flat()
  const names = [...all, ...boots].map(({ id, what }) => `${id} ${what}`)
  expect(names.length).toBeGreaterThanOrEqual(120)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})
