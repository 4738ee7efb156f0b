import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { clients } from '#base/clients.ts'
import { gatehouse } from '../support/command.ts'
import { blocks, read } from './pages.ts'

const PAGE = 'docs/operations/doctor.md'

/** First words of the checks that the program can tell of, as they stand in its source. */
const told = new Set(
  readdirSync(join(packageRoot, 'src/cli'))
    .filter((name) => /^(?:examination|probe)/.test(name))
    .flatMap((name) => [
      ...read(`src/cli/${name}`).matchAll(
        /\b(?:ok|warning|failed|noAnswer)\(\s*['`]([a-z][a-z ]*?)(?: \$\{\w+(?:\.\w+)?\})?['`]/g,
      ),
    ])
    .map(([, check = '']) => check.trim()),
)

test('docs/operations/doctor.md explains every finding there is, and none that there is not', () => {
  const rows = [...read(PAGE).matchAll(/^\| ([a-z][a-zA-Z ,-]*?) \|/gm)].map(([, cell = '']) => cell)
  const explained = new Set(
    rows
      .filter((cell) => !['check', 'exit'].includes(cell))
      .flatMap((cell) => cell.split(', '))
      .map((cell) => cell.replace(/ (?:NAME|URL)$/, '')),
  )
  expect(told.size).toBeGreaterThan(20)
  // Named after what they are about, where the name is made first.
  for (const check of ['connections', 'provider', 'issuer', 'sign-in']) told.add(check)
  expect([...told].filter((check) => !explained.has(check))).toEqual([])
  expect([...explained].filter((check) => !told.has(check))).toEqual([])
})

test('the document that --json prints has the shape that the page shows', async () => {
  const [example = '{}'] = blocks(PAGE, 'json')
  const shown = JSON.parse(example) as Record<string, unknown[]>
  const ran = await gatehouse(
    { env: { DATA_DIR: '/nowhere/that/is', JWT_SECRET_KEY: 'k'.repeat(40), JWT_ISSUER: 'x' } },
    'doctor --json',
  )
  const real = ran.json() as Record<string, unknown[]>
  expect(Object.keys(real)).toEqual(Object.keys(shown))
  for (const list of ['findings', 'clients'])
    for (const one of real[list] ?? [])
      expect(Object.keys(one as object)).toEqual(Object.keys(shown[list]?.[0] as object))
  expect(real['clients']).toHaveLength(clients.length)
})
