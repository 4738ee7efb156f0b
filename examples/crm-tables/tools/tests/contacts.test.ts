import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql, z } from 'gatehouse'
import { openKit } from 'gatehouse/testing'

const Page = z.object({ items: z.array(z.object({ name: z.string() })), next_cursor: z.string().nullable() })

const kit = await openKit({ toolsDir: new URL('..', import.meta.url) })
const acme = await kit.tenant('acme')
const globex = await kit.tenant('globex')
after(async () => await kit.close())

test('a contact is kept once, and seen in its own organisation only', async () => {
  const alice = acme.person('member')
  assert.equal((await alice.call('new_contact', { name: 'Ada', email: 'Ada@Example.com' })).isError, false)
  const again = await alice.call('new_contact', { name: 'Ada', email: 'ada@example.com' })
  assert.deepEqual([again.isError, again.text], [true, 'There is a contact with the address ada@example.com already.'])
  assert.match((await acme.person('viewer').call('list_contacts')).text, /Ada <ada@example\.com>/)
  assert.equal((await globex.person('viewer').call('list_contacts')).text, 'No contacts.')
})

test('contacts come a page at a time', async () => {
  const alice = acme.person('member')
  for (const name of ['Bea', 'Cid']) await alice.call('new_contact', { name, email: `${name}@example.com` })
  const names: unknown[] = []
  let cursor: unknown
  do {
    const { structured } = await alice.call('list_contacts', { limit: 2, ...(cursor === undefined ? {} : { cursor }) })
    const page = Page.parse(structured)
    names.push(page.items.map(({ name }) => name))
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(names, [['Ada', 'Bea'], ['Cid']])
})

test('notes belong to a contact of the same organisation', async () => {
  const [{ id } = { id: '' }] = await acme.query<{ id: string }>(sql`SELECT id FROM x_contacts WHERE name = 'Ada'`)
  assert.equal((await acme.person().call('log_contact', { id, text: 'Called.' })).text, 'Kept.')
  assert.equal((await globex.person().call('log_contact', { id, text: 'Called.' })).text, 'contact not found')
})

test('a contact is forgotten when the person says so, and not before', async () => {
  const [{ id } = { id: '' }] = await acme.query<{ id: string }>(sql`SELECT id FROM x_contacts WHERE name = 'Ada'`)
  const asked = await acme.person().call('forget_contact', { id })
  assert.deepEqual(Object.keys(asked.asked ?? {}), ['sure'])
  assert.equal((await asked.answer({ sure: null })).text, 'Nothing was forgotten.')
  assert.equal((await asked.answer({ sure: { sure: true } })).text, 'Ada is forgotten.')
  assert.deepEqual(await acme.query(sql`SELECT 1 FROM x_contact_notes`), [])
})
