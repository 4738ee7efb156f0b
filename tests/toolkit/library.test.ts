import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import { packageRoot } from '#base/package.ts'
import { Refusal } from '#base/refusal.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { InvalidArguments } from '#toolkit/arguments.ts'
import { createAuditor } from '#toolkit/audit.ts'
import { createChanges } from '#toolkit/changes.ts'
import { createLibrary, UnknownResource, type Library } from '#toolkit/library.ts'
import { loadDefinitions } from '#toolkit/load.ts'
import { definePrompt } from '#toolkit/prompt.ts'
import { createStateSeal } from '#toolkit/request-state.ts'
import { defineResource } from '#toolkit/resource.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import { createRunner, Failed } from '#toolkit/run.ts'
import { sql, ToolError } from '#toolkit/tool.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { principalOf, SECRET, silent } from './desk.ts'

const KNOWN = ['projects:read', 'projects:write', 'tenant:admin']
const request: CallRequest = {
  signal: new AbortController().signal,
  requestId: 'request-1',
  ip: null,
  progress: async () => {},
}

const projects = defineResource({
  uri: 'gatehouse://projects/{name}',
  title: 'Project',
  description: 'One project by its name',
  mimeType: 'text/plain',
  scopes: ['projects:read'],
  access: 'read',
  complete: {
    name: async (value, { db }) => {
      const rows = await db.query<{ name: string }>(
        sql`SELECT name FROM projects WHERE starts_with(name, ${value}) ORDER BY name`,
      )
      return rows.map(({ name }) => name)
    },
  },
  async read({ name = '' }, { db }) {
    if (name === 'broken') throw new Error('secret inside')
    if (name === 'told') throw new ToolError('not today')
    if (name === 'write') await db.query(sql`DELETE FROM projects`)
    const [row] = await db.query<{ created_by: string }>(sql`SELECT created_by FROM projects WHERE name = ${name}`)
    return row === undefined ? null : { text: `made by ${row.created_by}` }
  },
})
const rules = defineResource({
  uri: 'gatehouse://rules',
  title: 'Rules',
  description: 'For administrators',
  scopes: ['tenant:admin'],
  access: 'none',
  read: async () => ({ text: 'be kind' }),
})
const greet = definePrompt({
  title: 'Greet',
  description: 'Greets somebody',
  scopes: ['projects:read'],
  access: 'none',
  input: z.object({ name: z.string().max(20).describe('Whom'), tone: z.string().optional() }),
  run: async ({ name, tone }) => `Say hello to ${name}${tone === undefined ? '' : `, ${tone}`}.`,
})

let fresh: FreshDatabase
let acme: Tenant
let globex: Tenant
let library: Library
let flush: () => Promise<void>
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  globex = await fresh.tenant('globex')
  for (const [tenant, by] of [
    [acme, 'ann'],
    [globex, 'gus'],
  ] as const)
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      const now = new Date()
      await db.query(
        sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES ('01890000-0000-7000-8000-00000000000b', 'Apollo', ${by}, ${now}, ${now})`,
      )
    })
  const { database } = fresh
  const [clock, log] = [systemClock, silent]
  const audit = createAuditor({ database, clock, log, secret: SECRET, checkpoint: async () => {} })
  flush = async () => await audit.flush()
  const states = createStateSeal({ issuer: 'https://mcp.example.com', secrets: [SECRET], clock })
  const runner = createRunner({
    database,
    audit,
    usage: { call: () => {} },
    clock,
    log,
    states,
    changes: createChanges(),
    reread: async () => null,
  })
  library = createLibrary({
    resources: new Map([
      ['projects', { ...projects, name: 'projects' }],
      ['rules', { ...rules, name: 'rules' }],
    ]),
    prompts: new Map([['greet', { ...greet, name: 'greet', input: greet.input.strict() }]]),
    runner,
  })
})
afterAll(async () => await fresh.drop())

const member = (tenant = acme) => principalOf(tenant, 'member', KNOWN)
const owner = () => principalOf(acme, 'owner', KNOWN)

test('resources, templates and prompts are listed as MCP says it', async () => {
  expect(library.templates(member())).toEqual([
    {
      uriTemplate: 'gatehouse://projects/{name}',
      name: 'projects',
      title: 'Project',
      description: 'One project by its name',
      mimeType: 'text/plain',
    },
  ])
  const { resources } = await library.resources(owner(), undefined, request)
  expect(resources.map(({ uri }) => uri)).toEqual(['gatehouse://rules'])
  expect(library.prompts(member())).toEqual([
    {
      name: 'greet',
      title: 'Greet',
      description: 'Greets somebody',
      arguments: [
        { name: 'name', description: 'Whom', required: true },
        { name: 'tone', required: false },
      ],
    },
  ])
})

test('a resource is read in the tenant of who asks, and nowhere else', async () => {
  const uri = 'gatehouse://projects/Apollo'
  expect(await library.read(member(), uri, request)).toEqual({
    contents: [{ uri, mimeType: 'text/plain', text: 'made by ann' }],
  })
  expect(await library.read(member(globex), uri, request)).toMatchObject({ contents: [{ text: 'made by gus' }] })
  expect(await completions(member(globex), 'Ap')).toEqual(['Apollo'])
  expect(await completions(member(), 'x')).toEqual([])
})

const completions = async (who: ReturnType<typeof member>, value: string) =>
  (
    await library.complete(
      who,
      { kind: 'template', of: 'gatehouse://projects/{name}', argument: 'name', value, others: {} },
      request,
    )
  ).values

test('a resource that is not there, and a URI that nobody serves, get the same answer', async () => {
  for (const uri of ['gatehouse://projects/Nothing', 'gatehouse://nowhere', 'gatehouse://projects/a/b'])
    await expect(library.read(member(), uri, request), uri).rejects.toThrow(UnknownResource)
})

test('D12: missing by role it does not exist, missing by the token it is refused with its scopes', async () => {
  expect(await library.resources(member(), undefined, request)).toEqual({ resources: [] })
  expect(library.requiredScopes(member(), 'resource', 'gatehouse://rules')).toBeNull()
  await expect(library.read(member(), 'gatehouse://rules', request)).rejects.toThrow(UnknownResource)
  const narrowed = { ...member(), scopes: new Set<string>() }
  expect(library.requiredScopes(narrowed, 'prompt', 'greet')).toEqual(['projects:read'])
  expect(await completions(narrowed, 'Ap')).toEqual([])
  await expect(library.get(narrowed, 'greet', { name: 'Ann' }, request)).rejects.toThrow(Refusal)
  await expect(library.read(narrowed, 'gatehouse://projects/Apollo', request)).rejects.toThrow(Refusal)
})

test("access 'read' cannot write, a bug's words stay inside, a ToolError's are told", async () => {
  const failure = async (name: string): Promise<string> => {
    const error: unknown = await library
      .read(member(), `gatehouse://projects/${name}`, request)
      .catch((e: unknown) => e)
    return error instanceof Failed ? error.failure.text : String(error)
  }
  expect(await failure('write')).toBe('internal error, request request-1')
  expect(await failure('broken')).toBe('internal error, request request-1')
  expect(await failure('told')).toBe('not today')
})

test('what Postgres cannot hold is refused before it costs an audit row', async () => {
  for (const bad of ['gatehouse://projects/a\0b', 'gatehouse://projects/\ud800'])
    await expect(library.read(member(), bad, request), JSON.stringify(bad)).rejects.toThrow(InvalidArguments)
  await expect(completions(member(), 'a\0')).rejects.toThrow(InvalidArguments)
})

test('variables of a template come decoded, and a broken encoding is no such resource', async () => {
  expect(await library.read(member(), 'gatehouse://projects/%41pollo', request)).toMatchObject({
    contents: [{ text: 'made by ann' }],
  })
  await expect(library.read(member(), 'gatehouse://projects/%zz', request)).rejects.toThrow(UnknownResource)
})

test('a prompt checks its arguments as a tool does', async () => {
  expect(await library.get(member(), 'greet', { name: 'Ann', tone: 'loudly' }, request)).toEqual({
    description: 'Greets somebody',
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hello to Ann, loudly.' } }],
  })
  for (const bad of [{}, { name: 'x'.repeat(21) }, { name: 'Ann', more: 'x' }])
    await expect(library.get(member(), 'greet', bad, request)).rejects.toThrow(InvalidArguments)
  await expect(library.get(member(), 'nothing', {}, request)).rejects.toThrow('Unknown prompt: nothing')
})

test('reading leaves audit rows: who, what, and how it ended', async () => {
  await flush()
  await fresh.sql(`DELETE FROM ${acme.schema}.audit`)
  await library.read(member(), 'gatehouse://projects/Apollo', request)
  await library.get(member(), 'greet', { name: 'Ann' }, request)
  await library.read(member(), 'gatehouse://nowhere', request).catch(() => {})
  await flush()
  const rows = await fresh.sql<{ action: string; outcome: string; target: string | null }>(
    `SELECT action, outcome, target FROM ${acme.schema}.audit ORDER BY action`,
  )
  expect(rows).toEqual([
    { action: 'greet', outcome: 'ok', target: null },
    { action: 'projects', outcome: 'ok', target: 'gatehouse://projects/Apollo' },
    { action: 'resource', outcome: 'failed', target: null },
  ])
})

describe('a bad resource or prompt stops the boot', () => {
  const start = `import { defineResource, definePrompt, z } from '${packageRoot}/src/index.ts'\n`
  const resource = (fields: string): string =>
    `${start}export default defineResource({ uri: 'x://y', title: 'T', description: 'D', scopes: ['a:read'], access: 'read', read: async () => null, ${fields} })`
  const prompt = (fields: string): string =>
    `${start}export default definePrompt({ title: 'T', description: 'D', scopes: ['a:read'], access: 'read', input: z.object({}), run: async () => '', ${fields} })`
  test.each([
    ['a resource that writes', resource("access: 'write'"), "'none' or 'read'"],
    ['a resource without scopes', resource('scopes: []'), 'without scopes'],
    ['no URI', resource("uri: 'y'"), 'uri must be'],
    ['a broken template', resource("uri: 'x://{a'"), 'uri is no template'],
    ['no read function', resource('read: 1'), 'no read function'],
    ['a prompt whose argument is a number', prompt('input: z.object({ n: z.number() })'), 'must be a z.string()'],
    ['a prompt without run', prompt('run: 1'), 'no run function'],
    ['the name of a tool', resource(''), 'another tool whoami', 'whoami.js'],
  ])('%s', async (_, text, problem, name = 'thing.js') => {
    const folder = await mkdtemp(join(tmpdir(), 'library-'))
    try {
      await writeFile(join(folder, name), text)
      const error: unknown = await loadDefinitions({ toolsDir: folder, production: false, log: silent }).catch(
        (e: unknown) => e,
      )
      expect(error instanceof ConfigError ? error.problems.join('\n') : '').toContain(problem)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
