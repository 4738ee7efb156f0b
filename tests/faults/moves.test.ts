/** `tenant move` when things go wrong: left in the middle at every step, by processes that die and that wake up again. */
import { describe, expect, test } from 'vitest'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { until } from '../support/until.ts'
import { add, addProject, dies, names, STEPS, there, twoServers, type StepName } from '../tenancy/moved.ts'
import { operator, registryError } from '../tenancy/support.ts'

const at = twoServers()

test('a move waits for open writes for a while, then gives up and the tenant works on at the source', async () => {
  const tenant = await at.make('busy')
  let release = (): void => {}
  const released = new Promise<void>((done) => (release = done))
  let begun = (): void => {}
  const began = new Promise<void>((done) => (begun = done))
  const open = at.fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
    await addProject(db, 'long')
    begun()
    await released
  })
  await began
  const told: string[] = []
  const failing = at.moves().move(tenant, operator, 'two', {
    patience: 1,
    onProgress: ({ words }) => told.push(words),
  })
  await expect(failing).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('did not end') })
  // Writers were held up for moments only.
  await add(at.stale, tenant, 'meanwhile')
  release()
  await open
  expect(await at.moves().show(tenant, operator)).toMatchObject({
    state: 'catching_up',
    working: false,
    problem: expect.stringContaining('did not end'),
  })
  expect((await at.now(tenant)).placement).toBe('default')
  expect(await at.moves().move(tenant, operator, 'two')).toMatchObject({ state: 'switched' })
  expect(await names(at.fresh.database, await at.now(tenant))).toEqual(['long', 'meanwhile'])
})

test('nobody is cut off in the middle of a transaction: an open read is waited for', async () => {
  const tenant = await at.make('reader')
  await add(at.fresh.database, tenant, 'one')
  const moves: Promise<unknown>[] = []
  const seen = await at.fresh.database.tenant(tenant, { access: 'read', snapshot: true }, async (db) => {
    await db.query(sql`SELECT id FROM projects`)
    moves.push(at.moves().move(tenant, operator, 'two'))
    await until(async () => (await at.moves().show(tenant, operator))?.state === 'stopped')
    return await db.query(sql`SELECT name FROM projects`)
  })
  expect(seen).toEqual([{ name: 'one' }])
  await Promise.all(moves)
  expect((await at.now(tenant)).placement).toBe('two')
})

const dying = (step: StepName, when: 'before' | 'after'): Database => dies(at.fresh.database, step, when)

describe('left in the middle', () => {
  test.each(STEPS.flatMap((step) => [[step, 'before'] as const, [step, 'after'] as const]))(
    'at %s, %s it was done: the tenant is served from one server or from none, and the same command ends the move',
    async (step, when) => {
      const tenant = await at.make(`dies_${step}_${when}`)
      const ids = [await add(at.fresh.database, tenant, 'before')]
      if (step === 'take') {
        const first = at.movesOf(dying('round', 'before')).move(tenant, operator, 'two')
        await expect(first).rejects.toThrow('killed')
      }
      const killed = await at
        .movesOf(dying(step, when))
        .move(tenant, operator, 'two')
        .then(
          () => 'done',
          (error: Error) => error.message,
        )
      expect(killed).toBe(step === 'settled' ? 'done' : 'killed')
      const left = await at.moves().show(tenant, operator)
      const shut = (step === 'stop' && when === 'after') || step === 'land'
      if (!shut) ids.push(await add(at.stale, tenant, 'after the death'))
      else
        await expect(
          at.fresh.sql(`SET ROLE ${tenant.schema}; INSERT INTO ${tenant.schema}.projects DEFAULT VALUES`),
        ).rejects.toMatchObject({ code: '42501' })
      if (step !== 'settled') {
        expect(left?.state).toBe(shut ? 'stopped' : step === 'prepare' || step === 'copy' ? 'copying' : 'catching_up')
        await at.moves().move(tenant, operator, 'two')
      }
      expect((await at.now(tenant)).placement).toBe('two')
      const rows = await at.second.sql<{ id: string }>(`SELECT id FROM ${tenant.schema}.projects ORDER BY id`)
      expect(rows.map(({ id }) => id)).toEqual(ids)
      await add(at.stale, tenant, 'at the end')
      await at.moves().confirm(await at.now(tenant), operator)
      expect([await there(at.fresh, tenant), await there(at.second, tenant)]).toEqual([false, true])
    },
  )

  test.each(
    STEPS.filter((step) => step !== 'settled' && step !== 'take').flatMap((step) => [
      [step, 'before'] as const,
      [step, 'after'] as const,
    ]),
  )('at %s, %s it was done: move-cancel brings everything back to where it was', async (step, when) => {
    const tenant = await at.make(`cancel_${step}_${when}`)
    await add(at.fresh.database, tenant, 'before')
    await expect(at.movesOf(dying(step, when)).move(tenant, operator, 'two')).rejects.toThrow('killed')
    expect(await at.moves().cancel(tenant, operator)).toMatchObject({ state: 'cancelled' })
    await add(at.stale, tenant, 'after')
    expect(await names(at.fresh.database, tenant)).toEqual(['before', 'after'])
    expect([await there(at.fresh, tenant), await there(at.second, tenant)]).toEqual([true, false])
    expect(await registryError(at.moves().cancel(tenant, operator))).toBe('conflict')
  })

  test('a process that was left for dead and wakes up can write to the copy no more', async () => {
    const tenant = await at.make('zombie')
    await add(at.fresh.database, tenant, 'one')
    let wake = (): void => {}
    const woken = new Promise<void>((done) => (wake = done))
    const sleeping: Database = {
      ...at.fresh.database,
      // It does not say that it is there either.
      control: async (actor, run) => await at.fresh.database.control(actor, run),
      admin: {
        ...at.fresh.database.admin,
        transfer: (place) => {
          const transfer = at.fresh.database.admin.transfer(place)
          return {
            ...transfer,
            async round(...given) {
              await at.fresh.sql('UPDATE gatehouse.moves SET held_until = now() WHERE id = $1', [place.move])
              await woken
              return await transfer.round(...given)
            },
          }
        },
      },
    }
    const asleep = at.movesOf(sleeping).move(tenant, operator, 'two')
    asleep.catch(() => {})
    await until(async () => (await at.moves().show(tenant, operator))?.state === 'catching_up')
    const takes = at.moves()
    await at.fresh.sql(
      `UPDATE gatehouse.moves SET holder = gen_random_uuid(), held_until = now() WHERE tenant_id = $1`,
      [tenant.id],
    )
    expect(await takes.move(tenant, operator, 'two')).toMatchObject({ state: 'switched' })
    await add(at.stale, tenant, 'two')
    wake()
    await expect(asleep).rejects.toMatchObject({ code: 'conflict' })
    expect(await names(at.fresh.database, await at.now(tenant))).toEqual(['one', 'two'])
  })
})

test('a tenant that was migrated in the middle of its move is copied anew, and the migration waits while it is between', async () => {
  const tenant = await at.make('migrated')
  await add(at.fresh.database, tenant, 'one')
  let once = false
  const meddling: Database = {
    ...at.fresh.database,
    admin: {
      ...at.fresh.database.admin,
      transfer: (place) => {
        const transfer = at.fresh.database.admin.transfer(place)
        return {
          ...transfer,
          async round(...given) {
            if (!once) await at.fresh.sql(`ALTER TABLE ${tenant.schema}.projects ADD COLUMN extra text`)
            once = true
            return await transfer.round(...given)
          },
        }
      },
    },
  }
  // A column that no migration makes: no target can have it.
  await expect(at.movesOf(meddling).move(tenant, operator, 'two')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('not the same on both servers'),
  })
  await at.fresh.sql(`ALTER TABLE ${tenant.schema}.projects DROP COLUMN extra`)
  expect(await at.moves().move(tenant, operator, 'two')).toMatchObject({ state: 'switched' })
  await at.fresh.sql(`UPDATE gatehouse.tenants SET placement = 'default', schema_version = 0 WHERE id = $1`, [
    tenant.id,
  ])
  const { failed } = await at.fresh.database.admin.migrateTenants({ only: [tenant.slug] })
  expect(failed).toMatchObject([{ schema: tenant.schema, error: expect.stringContaining('is being moved') }])
})

test('two commands at once: one moves the tenant, the other waits and says so', async () => {
  const tenant = await at.make('twice')
  const both = await Promise.allSettled([
    at.moves().move(tenant, operator, 'two'),
    at.moves().move(tenant, operator, 'two'),
  ])
  expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
  expect((await at.now(tenant)).placement).toBe('two')
})
