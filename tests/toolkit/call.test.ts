import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Refusal } from '#base/refusal.ts'
import {
  DatabaseUnavailable,
  StatementTimeout,
  TenantBusy,
  TenantFenced,
  type Database,
  type TenantDb,
} from '#db/database.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { createAuditor, type CallRecord } from '#toolkit/audit.ts'
import { toolOf } from '#toolkit/load.ts'
import { InvalidArguments } from '#toolkit/call.ts'
import {
  defineTool,
  sql,
  ToolError,
  type Tool,
  type ToolContext,
  type ToolDefinition,
  type ToolResult,
} from '#toolkit/tool.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { createDesk, listening, SECRET, textOf, type Desk } from './desk.ts'

const NOTE = '01890000-0000-7000-8000-000000000001'

/** A tool of the test's own; without more it reads and answers "done". */
function tool(more: Partial<ToolDefinition> = {}): Tool {
  const definition = {
    title: 'T',
    description: 'D',
    scopes: ['projects:read'],
    access: 'read',
    input: z.object({}),
    run: async () => 'done',
    ...more,
  } as const
  return toolOf('probe', defineTool<z.ZodObject>(definition))
}

const writeProject = async ({ db }: ToolContext): Promise<ToolResult> => {
  await db.query(
    sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${NOTE}, 'half', 'x', now(), now())`,
  )
  return { text: 'written' }
}

interface AuditRow {
  readonly action: string
  readonly outcome: string
  readonly target: string | null
  readonly detail: { reason?: string } | null
  readonly request_id: string
  readonly arguments_digest: string
  readonly mac: string
}

describe.each(databaseKinds)('a call, on %s', (kind) => {
  let fresh: FreshDatabase
  let tenant: Tenant
  let open: Desk[] = []
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    tenant = await fresh.tenant('acme')
  })
  beforeEach(async () => {
    for (const desk of open) await desk.audit.close()
    open = []
    await fresh.sql(`DELETE FROM ${tenant.schema}.projects`)
    await fresh.sql(`DELETE FROM ${tenant.schema}.audit`)
  })
  afterAll(async () => {
    for (const desk of open) await desk.audit.close()
    await fresh.drop()
  })

  const deskWith = (
    probe: Tool,
    more: Parameters<typeof createDesk>[2] = {},
    database: Database = fresh.database,
  ): Desk => {
    const desk = createDesk(database, new Map([['probe', probe]]), more)
    open.push(desk)
    return desk
  }
  const rows = async (): Promise<AuditRow[]> =>
    await fresh.sql<AuditRow>(`SELECT * FROM ${tenant.schema}.audit ORDER BY at, request_id`)
  const projects = async (): Promise<number> => (await fresh.sql(`SELECT id FROM ${tenant.schema}.projects`)).length

  /** Calls the one tool as an owner whose role has its scopes. */
  const call = async (desk: Desk, args: unknown = {}, more = {}) => {
    const scopes = new Set(['projects:read', 'projects:write'])
    return await desk.as(desk.principal(tenant, 'owner', { scopes, role_scopes: scopes }))('probe', args, more)
  }

  test('a write and its audit row are there together, at once', async () => {
    const desk = deskWith(tool({ access: 'write', run: async (_, context) => await writeProject(context) }))
    expect(textOf(await call(desk))).toBe('written')
    expect(await projects()).toBe(1)
    expect(await rows()).toMatchObject([{ action: 'probe', outcome: 'ok', request_id: 'request-1', detail: null }])
  })

  test.each([
    ['ToolError', new ToolError('the project is frozen'), 'the project is frozen', 'tool_error'],
    ['any other error', new Error('secret inside'), 'internal error, request request-1', 'internal_error'],
  ])(
    'nothing is half-written when a tool throws %s after a write, and the failure is audited',
    async (_, error, text, reason) => {
      const run = async (_: unknown, context: ToolContext): Promise<string> => {
        await writeProject(context)
        throw error
      }
      const desk = deskWith(tool({ access: 'write', run }))
      expect(await call(desk)).toEqual({ isError: true, content: [{ type: 'text', text }] })
      expect(await projects()).toBe(0)
      await desk.audit.flush()
      expect(await rows()).toMatchObject([{ outcome: 'failed', detail: { reason } }])
    },
  )

  test('a write is undone when its audit row cannot be written', async () => {
    const inner = createAuditor({
      database: fresh.database,
      clock: { now: () => Date.now() },
      log: listening().log,
      secret: SECRET,
      checkpoint: async () => {},
    })
    const lastWord = (record: CallRecord) => (inner.lastWord(record), sql`INSERT INTO audit (id) VALUES (NULL)`)
    const audit = Object.assign(Object.create(inner) as typeof inner, { lastWord })
    const desk = deskWith(tool({ access: 'write', run: async (_, context) => await writeProject(context) }), { audit })
    expect(await call(desk)).toMatchObject({ isError: true })
    expect(await projects()).toBe(0)
    await inner.close()
  })

  test('an error that is no ToolError is logged whole and hidden from the caller', async () => {
    const { log, lines } = listening()
    const desk = deskWith(tool({ run: async () => await Promise.reject(new Error('the inside story')) }), { log })
    expect(JSON.stringify(await call(desk))).not.toContain('story')
    expect(lines.find(({ msg }) => msg === 'a tool failed')).toMatchObject({
      err: { message: 'the inside story' },
      tool: 'probe',
      request_id: 'request-1',
    })
  })

  test('what a tool logs carries its name, tenant and request', async () => {
    const { log, lines } = listening()
    const run = async (_: unknown, { log }: ToolContext): Promise<string> => {
      log.info({ step: 1, request_id: 'forged' }, 'working')
      return 'done'
    }
    await call(deskWith(tool({ run }), { log }))
    expect(lines.find(({ msg }) => msg === 'working')).toMatchObject({
      step: 1,
      tool: 'probe',
      tenant: 'acme',
      request_id: 'request-1',
    })
  })

  test("D20: a tool with access 'read' cannot write, whatever it tries", async () => {
    const desk = deskWith(tool({ access: 'read', run: async (_, context) => await writeProject(context) }))
    expect(await call(desk)).toMatchObject({ isError: true })
    expect(await projects()).toBe(0)
  })

  test("a tool with access 'none' has no database and takes no connection", async () => {
    const desk = deskWith(
      tool({ access: 'none', run: async (_, { db }) => `${(await db.query(sql`SELECT 1`)).length}` }),
    )
    expect(await call(desk)).toMatchObject({ isError: true })
    const broken = { ...fresh.database, tenant: async () => await Promise.reject(new Error('touched')) } as Database
    const free = deskWith(tool({ access: 'none', run: async () => 'fine' }), {}, broken)
    expect(textOf(await call(free))).toBe('fine')
  })

  test('a tool that goes on after its call has ended finds the database closed', async () => {
    let late: TenantDb | null = null
    const desk = deskWith(tool({ run: async (_, { db }) => ((late = db), 'done') }))
    await call(desk)
    await expect(late!.query(sql`SELECT 1`)).rejects.toThrow('over')
  })

  test.each([
    ["'read'", 'read'],
    ["'none'", 'none'],
  ] as const)('a tool with access %s that never ends is ended when its time is up', async (_, access) => {
    let aborted: AbortSignal | null = null
    const run = async (_: unknown, { signal }: ToolContext): Promise<string> => {
      aborted = signal
      return await new Promise<string>(() => {})
    }
    const desk = deskWith(tool({ access, timeout: 50, run }))
    expect(textOf(await call(desk))).toContain('took too long')
    expect(aborted!.aborted).toBe(true)
    await desk.audit.flush()
    expect(await rows()).toMatchObject([{ outcome: 'failed', detail: { reason: 'timeout' } }])
  })

  test('a caller who goes away ends the call; nothing is written and no listener stays on the signal', async () => {
    const gone = new AbortController()
    const run = async (_: unknown, context: ToolContext): Promise<string> => {
      await writeProject(context)
      gone.abort()
      return await new Promise<string>(() => {})
    }
    const desk = deskWith(tool({ access: 'write', run }))
    expect(await call(desk, {}, { signal: gone.signal })).toMatchObject({ isError: true })
    expect(await projects()).toBe(0)
    await desk.audit.flush()
    expect(await rows()).toMatchObject([{ outcome: 'failed', detail: { reason: 'cancelled' } }])
  })

  test('aborting the signal after a normal call harms nobody', async () => {
    const after = new AbortController()
    const desk = deskWith(tool({ run: async (_, { db }) => `${(await db.query(sql`SELECT 1`)).length}` }))
    expect(textOf(await call(desk, {}, { signal: after.signal }))).toBe('1')
    const next = call(desk)
    after.abort()
    expect(textOf(await next)).toBe('1')
  })

  describe('arguments', () => {
    const input = z.object({
      name: z.string().min(2),
      size: z.int().max(9).optional(),
      tags: z.array(z.string()).default([]),
    })

    test.each([
      ['a missing one', {}, 'name: '],
      ['one of the wrong type', { name: 5 }, 'name: '],
      ['one out of bounds', { name: 'ok', size: 10 }, 'size: '],
      ['one inside a list', { name: 'ok', tags: ['a', 7] }, 'tags.1: '],
      ['an unknown one', { name: 'ok', colour: 'red' }, 'colour: '],
      ['text with NUL', { name: 'a\0b' }, 'name: text with the character NUL'],
      ['half of a surrogate pair', { name: 'ok', tags: ['\ud83d'] }, 'tags.0: text with'],
      ['something that is no object', 'name', 'arguments: '],
      ['several at once', { name: 1, size: 'x' }, 'name: '],
    ])('%s is refused by its name', async (_, args, field) => {
      const desk = deskWith(tool({ input }))
      const refused = await call(desk, args).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(InvalidArguments)
      expect(String(refused)).toContain(field)
      await desk.audit.flush()
      expect(await rows()).toMatchObject([{ outcome: 'failed', detail: { reason: 'invalid_arguments' } }])
    })

    test('the refusal does not repeat a value', async () => {
      const desk = deskWith(tool({ input }))
      const refused = await call(desk, { name: 'x', size: 'hunter2-secret' }).catch((error: unknown) => error)
      expect(String(refused)).not.toContain('hunter2')
    })

    test('the audit keeps a digest that is the same for the same arguments in any order, and no content', async () => {
      const desk = deskWith(tool({ input: z.object({ a: z.string(), b: z.int() }) }))
      await call(desk, { a: 'confidential', b: 1 }, { requestId: 'one' })
      await call(desk, { b: 1, a: 'confidential' }, { requestId: 'two' })
      await call(desk, { a: 'confidential', b: 2 }, { requestId: 'three' })
      await desk.audit.flush()
      const written = await rows()
      const [one, two, three] = ['one', 'two', 'three'].map((id) => written.find((row) => row.request_id === id))
      expect(one?.arguments_digest).toBe(two?.arguments_digest)
      expect(one?.arguments_digest).not.toBe(three?.arguments_digest)
      expect(JSON.stringify(written)).not.toContain('confidential')
    })
  })

  describe('results', () => {
    const output = z.object({ id: z.string() })

    test('a result that breaks the output schema is a bug: hidden, and the write undone', async () => {
      const { log, lines } = listening()
      const run = async (_: unknown, context: ToolContext): Promise<ToolResult> => {
        await writeProject(context)
        return { text: 'x', structured: { id: 'a', password_hash: 'x' } }
      }
      const desk = deskWith(tool({ access: 'write', output, run }), { log })
      expect(textOf(await call(desk))).toBe('internal error, request request-1')
      expect(await projects()).toBe(0)
      expect(JSON.stringify(lines)).toContain('broke its output schema')
    })

    test('D33: a result above 1 MiB is not sent and its write not made; the caller is told to ask for less', async () => {
      const run = async (_: unknown, context: ToolContext): Promise<ToolResult> => {
        await writeProject(context)
        return { text: 'x'.repeat(1_048_576) }
      }
      const desk = deskWith(tool({ access: 'write', run }))
      const result = await call(desk)
      expect(result.isError).toBe(true)
      expect(textOf(result)).toContain('larger than 1 MiB')
      expect(await projects()).toBe(0)
      const fits = deskWith(tool({ run: async () => 'x'.repeat(1_048_000) }))
      expect((await call(fits)).isError).toBeUndefined()
    })

    test('the target is the id the tool answers, or what the tool itself names', async () => {
      const answers = deskWith(tool({ output, run: async () => ({ text: '', structured: { id: 'new-1' } }) }))
      await call(answers)
      await answers.audit.flush()
      const names = deskWith(tool({ target: () => 'chosen' }))
      await call(names)
      await names.audit.flush()
      expect((await rows()).map(({ target }) => target)).toEqual(['new-1', 'chosen'])
    })
  })

  describe('D12: scopes are asked for again behind the gate', () => {
    test('D12: missing by role: the tool is unknown, in the words of any unknown tool', async () => {
      const desk = deskWith(
        tool({ scopes: ['projects:write'], access: 'write', run: async (_, context) => await writeProject(context) }),
      )
      const viewer = desk.as(desk.principal(tenant, 'viewer'))
      await expect(viewer('probe')).rejects.toThrow('Unknown tool: probe')
      await expect(viewer('nothing')).rejects.toThrow('Unknown tool: nothing')
      await expect(viewer('constructor')).rejects.toThrow(InvalidArguments)
      expect(await projects()).toBe(0)
      await desk.audit.flush()
      const written = await rows()
      expect(written.map(({ action }) => action).sort()).toEqual(['constructor', 'nothing', 'probe'])
      expect(written.every(({ detail }) => detail?.reason === 'tool_unknown')).toBe(true)
    })

    test('a name that nobody could give a tool costs the audit no row', async () => {
      const desk = deskWith(tool())
      const owner = desk.as(desk.principal(tenant, 'owner'))
      await owner('probe')
      await expect(owner(`a\0\ud800${'x'.repeat(1000)}`)).rejects.toThrow(InvalidArguments)
      await desk.audit.flush()
      expect((await rows()).map(({ action }) => action).sort()).toEqual([`a??${'x'.repeat(125)}`, 'probe'])
      expect(desk.audit.lost).toBe(0)
    })

    test('D12: missing by the token only: a refusal that names the scopes', async () => {
      const desk = deskWith(tool({ scopes: ['projects:write'] }))
      const narrow = desk.as(desk.principal(tenant, 'owner', { scopes: new Set(['projects:read']) }))
      await expect(narrow('probe')).rejects.toMatchObject({ code: 'scope_insufficient', scope: ['projects:write'] })
    })
  })

  describe('the database fails', () => {
    const failing = (error: Error): Database => {
      const tenant = async (): Promise<never> => {
        throw error
      }
      return { ...fresh.database, tenant }
    }

    test.each([
      ['DatabaseUnavailable in a read', new DatabaseUnavailable('x'), 'read', 'cannot be reached'],
      ['DatabaseUnavailable in a write', new DatabaseUnavailable('x'), 'write', 'may or may not have been made'],
      ['TenantBusy', new TenantBusy('x'), 'read', 'too many calls'],
      ['StatementTimeout', new StatementTimeout('x'), 'write', 'took too long'],
      ['a deadlock', Object.assign(new Error('x'), { severity: 'ERROR', code: '40P01' }), 'write', 'Try again'],
      ['TenantFenced while open again', new TenantFenced('x'), 'read', 'being changed'],
    ] as const)('%s is told in words', async (_, error, access, words) => {
      const result = await call(deskWith(tool({ access }), {}, failing(error)))
      expect(result.isError).toBe(true)
      expect(textOf(result)).toContain(words)
      expect(textOf(result)).not.toContain('request-1')
    })

    test('D18: a fence makes the registry be read again, and its reason is the answer', async () => {
      const asked: string[] = []
      const reread = async ({ slug }: Tenant): Promise<Refusal> => {
        asked.push(slug)
        return new Refusal('tenant_suspended')
      }
      const result = await call(deskWith(tool(), { reread }, failing(new TenantFenced('x'))))
      expect(asked).toEqual(['acme'])
      expect(textOf(result)).toBe(new Refusal('tenant_suspended').description)
    })

    test('D18: a registry that cannot be read either leaves "try again"', async () => {
      const reread = async (): Promise<never> => await Promise.reject(new DatabaseUnavailable('x'))
      const result = await call(deskWith(tool(), { reread }, failing(new TenantFenced('x'))))
      expect(textOf(result)).toContain('Try again')
    })
  })
})
