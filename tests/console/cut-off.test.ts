import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '#db/sql.ts'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { visitor, type Visitor } from './support.ts'

describe.each(upperKinds)('cut-offs of sessions on %s', (kind) => {
  let server: RunningGatehouse
  beforeAll(async () => void (server = await startGatehouse({ kind })), 90_000)
  afterAll(async () => await server?.close())

  async function signedIn(person: string): Promise<Visitor> {
    const who = visitor(server)
    expect((await who.signIn(person)).status).toBe(303)
    expect((await who.get('/console/account')).status).toBe(200)
    return who
  }
  const out = async (who: Visitor, path: string): Promise<number> =>
    (await who.post(path, { csrf: await who.csrf() })).status

  test('one session, then all of a person', async () => {
    const [desk, laptop, phone] = [await signedIn('alice'), await signedIn('alice'), await signedIn('alice')]
    const copy = visitor(server)
    for (const [name, value] of desk.jar) copy.jar.set(name, value)
    expect(await out(desk, '/console/logout')).toBe(303)
    expect([(await copy.get('/console/account')).status, (await laptop.get('/console/account')).status]).toEqual([
      303, 200,
    ])
    expect(await out(laptop, '/console/logout-everywhere')).toBe(303)
    expect((await phone.get('/console/account')).status).toBe(303)
    await signedIn('alice')
  })

  test('rows that concern no session any more go with the next one; those that count cannot be taken back', async () => {
    const insert = async (days: number): Promise<string> => {
      const [row] = await server.database.sql<{ id: string }>(
        `INSERT INTO gatehouse.session_cutoffs (id, person, session_id, cut_at, until)
         VALUES (gen_random_uuid(), 'somebody', NULL, now(), now() + make_interval(days => $1)) RETURNING id`,
        [days],
      )
      return row?.id ?? ''
    }
    const [past, future] = [await insert(-1), await insert(1)]
    await out(await signedIn('bob'), '/console/logout')
    const kept = await server.database.sql<{ id: string }>(
      'SELECT id FROM gatehouse.session_cutoffs WHERE id = ANY($1)',
      [[past, future]],
    )
    expect(kept.map(({ id }) => id)).toEqual([future])
    // What the server itself may do, by the database's own rules.
    const { database } = server.database
    await database.control({ as: 'resolver' }, async (db) => {
      await db.query(sql`DELETE FROM session_cutoffs WHERE id = ${future}`)
    })
    await expect(
      database.control(
        { as: 'resolver' },
        async (db) => await db.query(sql`UPDATE session_cutoffs SET until = now() WHERE id = ${future}`),
      ),
    ).rejects.toThrow(/permission denied/)
    const after = await server.database.sql('SELECT id FROM gatehouse.session_cutoffs WHERE id = $1', [future])
    expect(after).toHaveLength(1)
  })
})
