/** Two whole servers on one database: who listens at one is told what is changed at the other, in their own organisation only. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { listen } from '../support/listening.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

let one: RunningGatehouse
let two: RunningGatehouse
/** At the first server. */
let alice: string
let bob: string
beforeAll(async () => {
  one = await startGatehouse({ kind: 'postgres' })
  two = await startGatehouse({ kind: 'postgres', beside: one })
  alice = await one.token('alice@acme.test')
  bob = await one.token('bob@globex.test')
})
afterAll(async () => {
  await two.close()
  await one.close()
})

/** Structured content of a call at the first server. */
async function call(token: string, name: string, args: object): Promise<{ readonly id: string }> {
  const { json } = await rpc(one.mcp, token, 'tools/call', { name, arguments: args })
  return (json as { result: { structuredContent: { id: string } } }).result.structuredContent
}
const uriOf = ({ id }: { readonly id: string }): string => `gatehouse://documents/${id}`

/** Creates a document at the first server; once the second has told of it, so that who listens from then on hears of later changes only. */
async function created(token: string, email: string, args: object): Promise<{ readonly id: string }> {
  const ear = await listen(two, email, [])
  const document = await call(token, 'create_document', args)
  await until(() => ear.heard.includes('resources/list_changed'))
  ear.stop()
  return document
}

test('the wall: of a change at one replica its own organisation hears at every replica, and another hears nothing, whatever it asks for', async () => {
  const ours = await created(alice, 'alice@acme.test', { title: 'Plan', content: 'of acme' })
  const theirs = await created(bob, 'bob@globex.test', { title: 'Plan', content: 'of globex' })
  // Each asks for the other's document too: an address is no right.
  const uris = [uriOf(ours), uriOf(theirs)]
  const acme = await Promise.all([listen(one, 'alice@acme.test', uris), listen(two, 'carol@acme.test', uris)])
  const globex = await listen(two, 'bob@globex.test', uris)

  await call(alice, 'update_document', { id: ours.id, content: 'of acme, again' })
  const expected = [`resources/updated ${uriOf(ours)}`, 'resources/list_changed']
  await until(() => acme.every(({ heard }) => heard.length === 2))
  for (const { heard } of acme) expect(heard.toSorted()).toEqual(expected.toSorted())

  // What globex does is heard by globex alone, and is the first that it hears.
  await call(bob, 'delete_document', { id: theirs.id })
  await until(() => globex.heard.length >= 2)
  expect(globex.heard.toSorted()).toEqual([`resources/updated ${uriOf(theirs)}`, 'resources/list_changed'].toSorted())
  // And by then acme would have heard it too, as what comes later has come.
  await call(alice, 'delete_document', { id: ours.id })
  await until(() => acme.every(({ heard }) => heard.length === 4))
  for (const { heard } of acme) expect(heard.filter((each) => each.includes(theirs.id))).toEqual([])
  for (const { stop } of [...acme, globex]) stop()
})

test('a call that changes nothing, is refused or fails tells nobody anything', async () => {
  const document = await created(alice, 'alice@acme.test', { title: 'Kept', content: 'as it is' })
  const carol = await listen(two, 'carol@acme.test', [uriOf(document)])
  await rpc(one.mcp, alice, 'tools/call', { name: 'update_document', arguments: { id: document.id, title: 'Kept' } })
  await rpc(one.mcp, alice, 'tools/call', {
    name: 'update_document',
    arguments: { id: document.id, title: 'Lost', expected_version: 9 },
  })
  await rpc(one.mcp, alice, 'tools/call', { name: 'update_document', arguments: { id: document.id, title: '' } })
  await call(alice, 'update_document', { id: document.id, title: 'Changed' })
  await until(() => carol.heard.length >= 2)
  expect(carol.heard.toSorted()).toEqual([`resources/updated ${uriOf(document)}`, 'resources/list_changed'].toSorted())
  carol.stop()
})

test('what the command line imports is told too, by another process with the same secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'live-'))
  writeFileSync(join(folder, 'one.md'), '# One')
  const theirs = await created(bob, 'bob@globex.test', { title: 'Of globex', content: '' })
  const carol = await listen(two, 'carol@acme.test', [])
  const bobs = await listen(two, 'bob@globex.test', [uriOf(theirs)])
  const ran = await gatehouse(one, `documents import ${folder} --tenant acme_test`)
  rmSync(folder, { recursive: true })
  expect(ran).toMatchObject({ exit: 0 })
  await until(() => carol.heard.length > 0)
  expect(carol.heard).toEqual(['resources/list_changed'])
  // Of globex the first that is heard is its own.
  await call(bob, 'update_document', { id: theirs.id, content: 'more' })
  await until(() => bobs.heard.length > 1)
  expect(bobs.heard).toEqual([`resources/updated ${uriOf(theirs)}`, 'resources/list_changed'])
  for (const { stop } of [carol, bobs]) stop()
})

test('who listens while the connection to Postgres breaks is told that anything may have changed', async () => {
  const carol = await listen(two, 'carol@acme.test', ['gatehouse://documents/any'])
  await one.database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE '%gatehouse_beat%'`)
  const all = [
    'prompts/list_changed',
    'resources/list_changed',
    'resources/updated gatehouse://documents/any',
    'tools/list_changed',
  ]
  await until(() => all.every((each) => carol.heard.includes(each)))
  expect(new Set(carol.heard)).toEqual(new Set(all))
  carol.stop()
})
