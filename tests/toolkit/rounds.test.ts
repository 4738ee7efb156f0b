import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '#base/clock.ts'
import { createChanges, type News } from '#toolkit/changes.ts'
import { toolOf } from '#toolkit/load.ts'
import { answerOf, ask, askPerson, defineTool, sql } from '#toolkit/tool.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { createDesk } from './desk.ts'

let fresh: FreshDatabase
let acme: Tenant
let globex: Tenant
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  acme = await fresh.tenant('acme')
  globex = await fresh.tenant('globex')
})
afterAll(async () => await fresh.drop())

const ID = '01890000-0000-7000-8000-00000000000a'
const Sure = z.object({ sure: z.boolean() })

/** Writes, then asks, then writes for good: what it wrote before the question must be gone. */
const careful = toolOf(
  'careful',
  defineTool({
    title: 'T',
    description: 'D',
    scopes: ['projects:write'],
    access: 'write',
    input: z.object({ name: z.string() }),
    async run({ name }, context) {
      const now = new Date(context.now())
      await context.db.query(
        sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${ID}, ${name}, 'x', ${now}, ${now})`,
      )
      context.changed('resources')
      if (answerOf(context, 'sure', Sure)?.sure !== true) return ask({ sure: askPerson('Sure?', Sure) }, { name })
      return `made ${name}, knowing ${JSON.stringify(context.state)}`
    },
  }),
)

test('a tool that asks has changed nothing, is audited, and goes on with answer and state', async () => {
  const changes = createChanges()
  const heard: [string, News][] = []
  for (const tenant of [acme, globex]) changes.subscribe(tenant.id, (change) => heard.push([tenant.slug, change]))
  const desk = createDesk(fresh.database, new Map([['careful', careful]]), { changes, clock: systemClock })
  const call = desk.as(desk.principal(acme))
  const count = async (): Promise<number> =>
    (await fresh.database.tenant(acme, { access: 'read' }, async (db) => await db.query(sql`SELECT 1 FROM projects`)))
      .length

  const first = (await call('careful', { name: 'One' })) as CallToolResult | InputRequiredResult as InputRequiredResult
  expect(first).toMatchObject({
    resultType: 'input_required',
    inputRequests: { sure: { method: 'elicitation/create', params: { message: 'Sure?' } } },
  })
  expect(await count()).toBe(0)
  expect(heard).toEqual([])

  const state = first.requestState ?? ''
  const answers = { sure: { action: 'accept', content: { sure: true } } }
  await expect(call('careful', { name: 'Two' }, { round: { answers, state } })).rejects.toThrow('requestState')
  await expect(call('careful', { name: 'One' }, { round: { answers, state: `${state}x` } })).rejects.toThrow(
    'requestState',
  )
  const other = desk.as(desk.principal(globex))
  await expect(other('careful', { name: 'One' }, { round: { answers, state } })).rejects.toThrow('requestState')
  expect(await count()).toBe(0)

  const done = await call('careful', { name: 'One' }, { round: { answers, state } })
  expect(done.content).toEqual([{ type: 'text', text: 'made One, knowing {"name":"One"}' }])
  expect(await count()).toBe(1)
  expect(heard).toEqual([['acme', 'resources']])

  await desk.audit.close()
  const rows = await fresh.database.tenant(
    acme,
    { access: 'read' },
    async (db) =>
      await db.query<{ outcome: string; detail: { reason: string } | null }>(
        sql`SELECT outcome, detail FROM audit WHERE action = 'careful' ORDER BY at`,
      ),
  )
  expect(rows.map(({ outcome, detail }) => `${outcome} ${detail?.reason ?? ''}`).toSorted()).toEqual([
    'failed invalid_arguments',
    'failed invalid_arguments',
    'ok ',
    'ok input_required',
  ])
})

test.each([
  ['no answer', {}],
  ['a refusal', { sure: { action: 'decline' } }],
  ['an answer of another form', { sure: { action: 'accept', content: { sure: 'yes' } } }],
  ['something else', { sure: 'yes' }],
])('answerOf takes %s for none', (_, answers) => {
  expect(answerOf({ answers }, 'sure', Sure)).toBeUndefined()
})
