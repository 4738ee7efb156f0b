import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The architecture as a test: which room may know which (src/README.md draws it). */
const root = fileURLToPath(new URL('..', import.meta.url))

const FLOOR: Record<string, number> = {
  'src/base': 0,
  'src/identity': 1,
  'src/db': 1,
  'src/tenancy': 2,
  providers: 2,
  'src/upstream': 2,
  'src/toolkit': 3,
  'src/login': 3,
  'src/tools': 4,
  'src/desk': 4,
  // Where the rooms of the fifth floor are put together.
  'src/http/gatehouse.ts': 5.5,
  'src/http': 5,
  'src/console': 5,
  'src/cli': 6,
  'src/main.ts': 6,
  'src/library': 6,
  // The doors for operators: what `import 'gatehouse'` and 'gatehouse/testing' give.
  'src/index.ts': 6.5,
  'src/testing.ts': 6.5,
  // The client side knows nothing of the server.
  'src/bridge': 0.5,
}

/** Packages that only one room may know (types included). */
const WALLS: Record<string, readonly string[]> = {
  jose: ['src/identity', 'src/login', 'src/bridge'],
  'openid-client': ['src/login', 'src/bridge'],
  '@napi-rs/keyring': ['src/bridge'],
  pg: ['src/db'],
  'pg-copy-streams': ['src/db'],
  '@electric-sql/pglite': ['src/db'],
  '@electric-sql/pglite-pgvector': ['src/db'],
  fastify: ['src/http', 'src/http/gatehouse.ts', 'src/console'],
  'oidc-provider': ['src/http'],
  '@modelcontextprotocol/server': ['src/http', 'src/toolkit', 'src/library'],
  '@redis/client': ['src/toolkit'],
  'rate-limiter-flexible': ['src/toolkit'],
  undici: ['src/base'],
  'prom-client': ['src/base'],
  commander: ['src/main.ts', 'src/cli'],
}

const files = ['src', 'providers'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
)

function room(path: string): string {
  const found = Object.keys(FLOOR).find((name) => path === name || path.startsWith(`${name}/`))
  if (found === undefined) throw new Error(`${path} lies in no room: give it a floor here and in src/README.md`)
  return found
}

interface Arrow {
  readonly from: string
  readonly to: string
  readonly inside: boolean
}

/** Every import of a file, static, type-only, re-exported or dynamic; comments are no imports. */
function arrows(from: string): Arrow[] {
  const text = readFileSync(join(root, from), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1')
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"]+)['"]/g)].map(
    (match) => match[1] ?? '',
  )
  return specifiers.map((to) => {
    if (to.startsWith('#providers/')) return { from, to: to.slice(1), inside: true }
    if (to.startsWith('#')) return { from, to: `src/${to.slice(1)}`, inside: true }
    if (to.startsWith('.')) return { from, to: normalize(join(dirname(from), to)), inside: true }
    return { from, to, inside: false }
  })
}

const all = files.flatMap(arrows)
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

test('enough files and imports were seen for the rules below to mean something', () => {
  expect(files.length).toBeGreaterThan(60)
  expect(all.filter((arrow) => arrow.inside).length).toBeGreaterThan(150)
  for (const name of [
    'src/base',
    'src/identity',
    'src/db',
    'src/tenancy',
    'providers',
    'src/toolkit',
    'src/tools',
    'src/http',
    'src/cli',
  ]) {
    expect(
      files.some((file) => room(file) === name),
      name,
    ).toBe(true)
  }
})

test('a room imports itself and rooms on floors strictly beneath', () => {
  const wrong = all.filter(
    ({ from, to, inside }) => inside && room(from) !== room(to) && (FLOOR[room(to)] ?? 0) >= (FLOOR[room(from)] ?? 0),
  )
  expect(wrong.filter(({ from, to }) => !(from === 'src/main.ts' && room(to) === 'src/cli'))).toEqual([])
})

test('the client side knows base only', () => {
  expect(
    all.filter(
      ({ from, to, inside }) => inside && room(from) === 'src/bridge' && !['src/bridge', 'src/base'].includes(room(to)),
    ),
  ).toEqual([])
})

test('a package with a wall around it is known in its own room only', () => {
  const wrong = all.filter(
    ({ from, to, inside }) =>
      !inside && WALLS[packageOf(to)] !== undefined && !WALLS[packageOf(to)]?.includes(room(from)),
  )
  expect(wrong).toEqual([])
  for (const name of ['jose', 'pg', 'fastify'])
    expect(
      all.some(({ to }) => packageOf(to) === name),
      name,
    ).toBe(true)
})

test('a tool imports the toolkit, zod and files beside it, nothing else', () => {
  const wrong = all.filter(
    ({ from, to }) =>
      room(from) === 'src/tools' && !(to === 'src/toolkit/tool.ts' || to === 'zod' || to.startsWith('src/tools/')),
  )
  expect(wrong).toEqual([])
})

test('the environment is read in base/config only', () => {
  const readers = files.filter((file) => /\bprocess\s*\.\s*env\b/.test(readFileSync(join(root, file), 'utf8')))
  expect(readers.filter((file) => !file.startsWith('src/base/config') && !file.startsWith('src/bridge/'))).toEqual([])
  expect(readers.length).toBeGreaterThan(0)
})

test('no file is so long that two questions must live in it', () => {
  const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 300)
  expect(long).toEqual([])
})
