import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError } from '#base/config.ts'
import { withAdminTools } from '#desk/admin-tools.ts'
import { CHAT_OPERATIONS } from '#desk/chat.ts'
import { readable, visitor, type Visitor } from '../console/support.ts'
import { upperKinds } from '../support/database.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

let server: RunningGatehouse
let ahead = 0
beforeAll(async () => {
  server = await startGatehouse({
    kind: upperKinds[0] ?? 'postgres',
    parts: { clock: { now: () => Date.now() + ahead } },
  })
}, 60_000)
afterAll(async () => await server?.close())

/** The issue's own list: a tool that is lost must not go unnoticed. */
const PROMISED =
  'list_domains claim_domain check_domain remove_domain list_members invite_member set_member_role remove_member ' +
  'list_api_keys create_api_key rotate_api_key revoke_api_key get_usage'
const NAMES = CHAT_OPERATIONS.map(({ id }) => id).sort()

interface Result {
  readonly isError?: boolean
  readonly structuredContent?: Readonly<Record<string, unknown>>
  readonly content: readonly { readonly text: string }[]
}

const listed = async (person: string): Promise<readonly string[]> => {
  const { json } = await rpc(server.mcp, await server.token(person), 'tools/list')
  const { tools } = (json as { result: { tools: { name: string }[] } }).result
  return tools.map(({ name }) => name).filter((name) => NAMES.includes(name))
}
const call = async (person: string, name: string, args: object = {}): Promise<Result> => {
  const answer = await rpc(server.mcp, await server.token(person), 'tools/call', { name, arguments: args })
  const { result, error } = answer.json as { result?: Result; error?: { message: string } }
  if (result === undefined) throw new Error(error?.message ?? answer.text)
  return result
}
/** A power tool's link, as a path of the console. */
const asked = async (person: string, name: string, args: object): Promise<string> => {
  const { structuredContent } = await call(person, name, args)
  expect(structuredContent).toMatchObject({ status: 'confirmation_required' })
  return new URL(String(structuredContent?.['confirm_url'])).pathname
}
const signedIn = async (person: string): Promise<Visitor> => {
  const who = visitor(server)
  await who.signIn(person, { fresh: '1' })
  return who
}
const press = async (who: Visitor, path: string) => await who.post(path, { csrf: await who.csrf() })
const people = async (): Promise<unknown> =>
  JSON.parse((await gatehouse(server, 'member list acme_test --json')).stdout)

test('D32: until an owner turns it on, the tools of administrators are there for nobody', async () => {
  expect(await listed('alice@acme.test')).toEqual([])
  await expect(call('alice@acme.test', 'list_members')).rejects.toThrow('Unknown tool: list_members')
})

describe('D32: once an owner turned it on', () => {
  beforeAll(async () => {
    await gatehouse(server, 'tenant settings acme_test --mcp-admin on')
    await until(async () => (await listed('alice@acme.test')).length > 0)
  })

  test('an owner has them, a viewer does not, and another tenant does not', async () => {
    expect(NAMES).toEqual(PROMISED.split(' ').sort())
    expect(await listed('alice@acme.test')).toEqual(NAMES)
    expect(await listed('carol@acme.test')).toEqual([])
    expect(await listed('bob@globex.test')).toEqual([])
  })

  test('what reads is answered', async () => {
    const { structuredContent, content } = await call('alice@acme.test', 'list_members', { limit: 1 })
    expect(structuredContent).toMatchObject({ items: [{ email: 'alice@acme.test', role: 'owner' }] })
    expect(JSON.parse(content[0]?.text ?? '')).toEqual(structuredContent)
  })

  test('what the registry will not do is told in its words', async () => {
    const { isError, content } = await call('alice@acme.test', 'check_domain', { domain: 'nothing.example' })
    expect([isError, content[0]?.text]).toEqual([true, 'acme_test has no domain nothing.example'])
  })

  test('what changes power changes nothing until the same person confirms it, once', async () => {
    const before = await people()
    const path = await asked('alice@acme.test', 'set_member_role', { member: 'carol@acme.test', role: 'member' })
    expect(await people()).toEqual(before)

    const alice = await signedIn('alice')
    const page = await alice.get(path)
    expect(page.status).toBe(200)
    for (const piece of ['Change a role', 'carol@acme.test', 'member', 'Nothing is done yet'])
      expect(page.text).toContain(piece)
    const bob = await signedIn('bob')
    expect((await bob.get(path)).status).toBe(403)

    const done = await press(alice, path)
    expect([done.status, done.text.includes('Done: change a role')]).toEqual([200, true])
    expect(await people()).toEqual(
      expect.arrayContaining([expect.objectContaining({ email: 'carol@acme.test', role: 'member' })]),
    )
    expect((await press(alice, path)).status).toBe(404)
    await gatehouse(server, 'member role acme_test carol@acme.test viewer')
  })

  test('another administrator of the same tenant cannot confirm it', async () => {
    const path = await asked('alice@acme.test', 'remove_member', { member: 'carol@acme.test' })
    await gatehouse(server, 'member role acme_test carol@acme.test admin')
    const carol = await signedIn('carol')
    await until(async () => (await carol.get('/console/t/acme_test')).text.includes('You are an admin'))
    expect((await carol.get(path)).status).toBe(404)
    expect((await press(carol, path)).status).toBe(404)
    await gatehouse(server, 'member role acme_test carol@acme.test viewer')
    expect((await press(await signedIn('alice'), `${path}/discard`)).location).toBe(
      '/console/t/acme_test/confirm/settled',
    )
  })

  test('it needs a fresh sign-in, a form of ours, and is over after ten minutes', async () => {
    const path = await asked('alice@acme.test', 'invite_member', { email: 'dora@acme.test', role: 'viewer' })
    const alice = await signedIn('alice')
    const forged = await alice.post(path, { csrf: await alice.csrf() }, { origin: 'https://evil.example' })
    expect(forged.status).toBe(403)
    expect((await alice.post(path, { csrf: 'x' })).status).toBe(403)
    ahead = 6 * 60_000
    const sent = await press(alice, path)
    const back = new URL(sent.location ?? '', server.url).searchParams.get('return_to') ?? ''
    expect([sent.status, back.replace(/[\w-]{43}$/, 'PROOF')]).toEqual([303, `${path}?again=PROOF`])
    ahead = 10 * 60_000 + 1_000
    expect((await press(await signedIn('alice'), path)).status).toBe(404)
    ahead = 0
  })

  test('what could not be done is told, and can be tried again', async () => {
    const path = await asked('alice@acme.test', 'set_member_role', { member: 'alice@acme.test', role: 'viewer' })
    const alice = await signedIn('alice')
    for (const _ of [1, 2]) {
      const page = await press(alice, path)
      expect(page.status).toBe(409)
      expect(page.text).toContain('Not done.')
    }
    expect((await press(alice, `${path}/discard`)).status).toBe(303)
    expect((await press(alice, `${path}/discard`)).status).toBe(404)
  })

  test('a secret is shown on the page once and stands in no tool result and no log line', async () => {
    const path = await asked('alice@acme.test', 'invite_member', { email: 'erin@acme.test', role: 'viewer' })
    const { text } = await press(await signedIn('alice'), path)
    expect(text).toContain('Shown this once')
    const secret = /<pre id="link">[^<]*\/console\/invitation#([^<]+)/.exec(text)?.[1] ?? ''
    expect(secret.length).toBeGreaterThan(20)
    expect(server.lines.join('')).not.toContain(secret)
  })

  test('a key that a chat asked for is shown to the person alone, and works', async () => {
    const path = await asked('alice@acme.test', 'create_api_key', { name: 'from the chat', scopes: ['projects:read'] })
    const { text } = await press(await signedIn('alice'), path)
    const key = /gh_key_[0-9A-Za-z_]+/.exec(text)?.[0] ?? ''
    const { json } = await rpc(server.mcp, key, 'tools/call', { name: 'list_projects', arguments: {} })
    expect(json).toMatchObject({ result: { structuredContent: { items: [] } } })
    const { structuredContent } = await call('alice@acme.test', 'list_api_keys')
    expect(JSON.stringify(structuredContent)).toContain('from the chat')
    expect(JSON.stringify(structuredContent)).not.toContain(key)
    expect(server.lines.join('')).not.toContain(key)
  })

  test('a person’s own name cannot pass for somebody else’s address on the page', async () => {
    await gatehouse(server, [
      'member',
      'add',
      'acme_test',
      'development:eve',
      '--role',
      'viewer',
      '--name',
      'Carol (carol@acme.test), viewer',
    ])
    const path = await asked('alice@acme.test', 'set_member_role', { member: 'development:eve', role: 'admin' })
    const text = readable((await (await signedIn('alice')).get(path)).text)
    expect(text).toMatch(
      /Person Carol \(carol@acme\.test\), viewer Address unknown User id development:eve Present role viewer Role admin/,
    )
  })

  test('the page names the key that a chat wants to end, and who made it', async () => {
    const { structuredContent } = await call('alice@acme.test', 'list_api_keys')
    const { items } = z
      .object({ items: z.array(z.object({ id: z.string(), name: z.string() })) })
      .parse(structuredContent)
    const id = items.find(({ name }) => name === 'from the chat')?.id ?? ''
    const path = await asked('alice@acme.test', 'revoke_api_key', { id })
    const { text } = await (await signedIn('alice')).get(path)
    expect(text).toMatch(new RegExp(`from the chat \\(gh_key_${id}\\), made by Alice`))
  })

  test('an API key reads, and asks for nothing that a person would have to confirm', async () => {
    const made = await gatehouse(server, 'key create acme_test --name ci --scopes tenant:admin --role admin --json')
    const { key } = JSON.parse(made.stdout) as { key: string }
    const ask = async (name: string, args: object): Promise<Result> =>
      ((await rpc(server.mcp, key, 'tools/call', { name, arguments: args })).json as { result: Result }).result
    expect((await ask('list_members', {})).isError).toBeUndefined()
    const refused = await ask('remove_member', { member: 'carol@acme.test' })
    expect([refused.isError, refused.content[0]?.text]).toEqual([true, expect.stringContaining('a key uses the API')])
  })

  test('of one person twenty requests wait at most', async () => {
    const outcomes: (boolean | undefined)[] = []
    for (let n = 0; n < 22; n++)
      outcomes.push((await call('alice@acme.test', 'claim_domain', { domain: `d${n}.example` })).isError)
    expect(outcomes.filter((failed) => failed === true).length).toBeGreaterThanOrEqual(1)
    expect(outcomes[21]).toBe(true)
  })
})

test('the hints say what happens: reading is reading, and asking is not', async () => {
  const { json } = await rpc(server.mcp, await server.token('alice@acme.test'), 'tools/list')
  const { tools } = (json as { result: { tools: { name: string; annotations: { readOnlyHint: boolean } }[] } }).result
  const hints = Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations.readOnlyHint]))
  expect(hints).toMatchObject({ list_members: true, claim_domain: false, check_domain: false, list_projects: true })
})

test('a tool of an operator with the name of one of ours stops the boot', () => {
  const tools = new Map([['list_members', {} as never]])
  expect(() => withAdminTools(tools, {} as never, 'https://gatehouse.test')).toThrow(ConfigError)
})
