/** What the door to a tenant says to Postgres, and how it tells a fence from a tool's mistake (D18). */
import { describe, expect, test, vi } from 'vitest'
import { StatementTimeout, TenantBusy, TenantFenced, type TenantOptions, type TenantPlace } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { createTenantDoor, type TenantDoor } from '#db/tenant-door.ts'
import { tenantPassword } from '#db/tenant-logins.ts'
import { scriptedPool, sent, type Script, type ScriptedPool } from '../support/scripted-pool.ts'

const acme: TenantPlace = { schema: 'tenant_acme', placement: 'default', schemaVersion: 1 }

function doorTo(script?: Script, poolMax = 4, pipeline = false): ScriptedPool & { readonly door: TenantDoor } {
  const server = scriptedPool(script)
  return {
    ...server,
    door: createTenantDoor({ pool: () => server.pool, logins: null, poolMax, pipeline }),
  }
}
const query = async (door: TenantDoor, options: TenantOptions = { access: 'read' }): Promise<unknown> =>
  await door.enter(acme, options, async (db) => await db.query(sql`SELECT name FROM projects WHERE id = ${7}`))
const answer = async (work: Promise<unknown>): Promise<unknown> => await work.catch((error: unknown) => error)

describe('a call begins', () => {
  test.each([
    ['read', undefined, 'BEGIN READ ONLY', 15_000],
    ['write', undefined, 'BEGIN READ WRITE', 15_000],
    ['read', 1_234.5, 'BEGIN READ ONLY', 1_235],
  ] as const)('with its rights and limits, for this transaction only: %s %s', async (access, timeout, begin, limit) => {
    const { door, said } = doorTo()
    await query(door, timeout === undefined ? { access } : { access, timeout })
    expect(said).toEqual([
      [
        begin,
        'SET LOCAL ROLE tenant_acme',
        'SET LOCAL search_path = tenant_acme, ext, pg_temp',
        'SET LOCAL standard_conforming_strings = on',
        `SET LOCAL statement_timeout = ${limit}`,
        `SET LOCAL idle_in_transaction_session_timeout = ${limit + 1_000}`,
      ].join('; '),
      'SELECT name FROM projects WHERE id = $1',
      'COMMIT',
    ])
  })

  test('D20: and the tool is told which access it has', async () => {
    const { door } = doorTo()
    for (const access of ['read', 'write'] as const)
      expect(await door.enter(acme, { access }, async (db) => db.access)).toBe(access)
  })

  test('on the server of its placement', async () => {
    const asked: string[] = []
    const server = scriptedPool()
    const pool = (placement: string) => {
      asked.push(placement)
      return server.pool
    }
    const door = createTenantDoor({ pool, logins: null, poolMax: 4, pipeline: false })
    await door.enter({ ...acme, placement: 'second' }, { access: 'read' }, async () => {})
    expect(asked).toEqual(['second'])
  })

  test('with DATABASE_PIPELINE without waiting for the answer to that', async () => {
    let begun = (): void => {}
    const { door, said } = doorTo(
      async (text) => {
        if (text.startsWith('BEGIN')) await new Promise<void>((resolve) => (begun = resolve))
        return {}
      },
      4,
      true,
    )
    const work = query(door)
    await vi.waitFor(() => expect(said).toHaveLength(2))
    begun()
    await work
  })

  test('never for what is no schema of a tenant', async () => {
    const { door, said } = doorTo()
    const place = { ...acme, schema: 'tenant_a; DROP SCHEMA x' } as const
    await expect(door.enter(place, { access: 'read' }, async () => {})).rejects.toThrow(TypeError)
    expect(said).toEqual([])
  })

  test('D15: and says nothing that the check refuses', async () => {
    const { door, said } = doorTo()
    const work = door.enter(acme, { access: 'read' }, async (db) => await db.query(sql`SELECT pg_sleep(${1})`))
    await expect(work).rejects.toThrow(TypeError)
    expect(said.join()).not.toContain('pg_sleep')
  })
})

test.each([
  [10, 5],
  [5, 2],
  [2, 1],
])('of %s connections one tenant takes %s', async (poolMax, most) => {
  const { door } = doorTo(undefined, poolMax)
  let inside = 0
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  const calls = Array.from({ length: 12 }, async () => {
    await door.enter(acme, { access: 'read' }, async () => {
      inside += 1
      await held
    })
  })
  await vi.waitFor(() => expect(inside).toBe(most))
  // Another tenant is not held up.
  expect(await door.enter({ ...acme, schema: 'tenant_b' }, { access: 'read' }, async () => 'served')).toBe('served')
  expect(inside).toBe(most)
  go()
  await Promise.all(calls)
  expect(inside).toBe(12)
})

test('a tenant whose calls wait in hundreds is told that it is busy', async () => {
  const { door } = doorTo(undefined, 1)
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  const enter = async (): Promise<void> => await door.enter(acme, { access: 'read' }, async () => await held)
  const calls = Array.from({ length: 201 }, enter)
  await expect(enter()).rejects.toThrow(TenantBusy)
  go()
  await Promise.all(calls)
})

describe('D18: what Postgres denies is', () => {
  /** A server on which the tenant's statement fails, and that knows this of the tenant's role and its rights. */
  const denying =
    (code: string, { known = 1, rights = 1, allowed = false } = {}): Script =>
    (text) => {
      if (text.includes('pg_roles')) return { rowCount: known }
      if (text.includes('has_table_privilege')) return { rowCount: rights }
      if (text.startsWith('EXPLAIN')) {
        if (allowed) return {}
        throw sent(code)
      }
      if (text.startsWith('SELECT name')) throw sent(code)
      return {}
    }

  test.each(['42501', '22023', '42P01', '3F000'])('a fence, when the role or its rights are gone: %s', async (code) => {
    for (const state of [{ known: 0 }, { rights: 0 }]) {
      const { door, ends } = doorTo(denying(code, state))
      const error = await answer(query(door))
      expect(error).toBeInstanceOf(TenantFenced)
      expect(error).toMatchObject({ cause: { code } })
      expect(ends).toEqual(['kept'])
    }
  })

  test('a fence, when the same is allowed a moment later: the tenant was resumed meanwhile', async () => {
    const { door, said, ends } = doorTo(denying('42501', { allowed: true }))
    expect(await answer(query(door))).toBeInstanceOf(TenantFenced)
    // Looked at with the same role, run never, and rolled back.
    expect(said.slice(-3)).toEqual([said[0], 'EXPLAIN SELECT name FROM projects WHERE id = $1', 'ROLLBACK'])
    expect(ends).toEqual(['kept', 'kept'])
  })

  test('the tool’s mistake, when it is denied still', async () => {
    const { door, ends } = doorTo(denying('42501'))
    expect(await answer(query(door))).toMatchObject({ code: '42501', name: 'Error' })
    expect(ends).toEqual(['kept', 'kept'])
  })

  test('what it says it is, when that cannot be found out', async () => {
    const broken = (part: string): Script => {
      const script = denying('42501', { rights: 0, allowed: true })
      return (text, values) => {
        if (text.includes(part)) throw new Error('Connection terminated')
        return script(text, values)
      }
    }
    expect(await answer(query(doorTo(broken('has_table_privilege')).door))).toBeInstanceOf(TenantFenced)
    const blind: Script = (text) => {
      if (text.startsWith('SELECT name')) throw sent('42501')
      if (text.startsWith('EXPLAIN') || text.includes('pg_catalog')) throw new Error('Connection terminated')
      return {}
    }
    const { door } = doorTo(blind)
    expect(await answer(query(door))).toMatchObject({ code: '42501' })
    const away = doorTo((text) => {
      if (text.startsWith('SELECT name')) throw sent('42501')
      return { rowCount: 1 }
    })
    let leases = 0
    const { connect } = away.pool
    away.pool.connect = async () => {
      leases += 1
      if (leases > 1) throw new Error('Connection terminated')
      return await connect()
    }
    expect(await answer(query(away.door))).toMatchObject({ code: '42501' })
    expect(leases).toBe(2)
  })

  test('looked into for nothing else', async () => {
    for (const code of ['22012', '23505', '25006', '40001']) {
      const { door, said } = doorTo(denying(code, { known: 0 }))
      expect(await answer(query(door))).toMatchObject({ code })
      expect(said.join()).not.toContain('pg_roles')
    }
    const { door, said } = doorTo(denying('42501', { known: 0 }))
    const own = new RangeError('mine')
    expect(await answer(door.enter(acme, { access: 'read' }, async () => await Promise.reject(own)))).toBe(own)
    expect(said.join()).not.toContain('pg_roles')
  })

  test('when it is the role itself that cannot be taken, only a fence by what the role is now', async () => {
    const noRole =
      (known: number): Script =>
      (text) => {
        if (text.startsWith('BEGIN')) throw sent('22023')
        return { rowCount: text.includes('pg_roles') ? known : 1 }
      }
    expect(await answer(query(doorTo(noRole(0)).door))).toBeInstanceOf(TenantFenced)
    const { door, said } = doorTo(noRole(1))
    expect(await answer(query(door))).toMatchObject({ code: '22023' })
    expect(said.join()).not.toContain('EXPLAIN')
  })

  test('gone with the call: the next one of the tenant finds its place free', async () => {
    const { door } = doorTo(denying('42501', { known: 0 }), 1)
    for (let n = 0; n < 3; n++) expect(await answer(query(door))).toBeInstanceOf(TenantFenced)
  })
})

test('a call that overruns frees its place too', async () => {
  const { door } = doorTo(undefined, 1)
  const stuck = door.enter(acme, { access: 'read', timeout: 5 }, async () => await new Promise(() => {}))
  await expect(stuck).rejects.toThrow(StatementTimeout)
  expect(await door.enter(acme, { access: 'read' }, async () => 'served')).toBe('served')
})

test('D16: the password of a tenant’s login is another for each schema and each secret', () => {
  const passwords = [
    tenantPassword('a secret', 'tenant_a'),
    tenantPassword('a secret', 'tenant_b'),
    tenantPassword('another', 'tenant_a'),
  ]
  expect(new Set(passwords).size).toBe(3)
  for (const password of passwords) expect(password).toMatch(/^[\w-]{43}$/)
  expect(tenantPassword('a secret', 'tenant_a')).toBe(passwords[0])
})
