import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { readable, signedInAs, visitor, type Visitor } from './support.ts'

const HERE = '/console/t/acme_test'

describe.each(upperKinds)('what a form is filled in with on %s', (kind) => {
  let server: RunningGatehouse
  let owner: Visitor
  let stale: Visitor
  let member: string

  beforeAll(async () => {
    server = await startGatehouse({ kind, env: { OPERATORS: 'development:alice@acme.test' } })
    const alice = visitor(server)
    await alice.signIn('alice')
    await alice.get('/console')
    await gatehouse(server, 'member add acme_test development:mel --role viewer --json')
    const [row] = await server.database.sql<{ id: string }>("SELECT id FROM gatehouse.members WHERE sub = 'mel'")
    member = row?.id ?? ''
    owner = signedInAs(server, { sub: 'alice', email: 'alice@acme.test' })
    stale = signedInAs(server, { sub: 'alice', email: 'alice@acme.test' }, { fresh: false })
  }, 90_000)
  afterAll(async () => await server?.close())

  const waiting = async (who: Visitor, path: string, form: Record<string, string>): Promise<string> => {
    const { location } = await who.post(`${HERE}${path}`, { csrf: await who.csrf(), ...form })
    return new URL(location ?? '', server.url).searchParams.get('return_to') ?? ''
  }

  test('D31: a link from elsewhere fills in nothing that gives power or says yes, and tells nobody to press a button', async () => {
    const links: readonly (readonly [string, RegExp])[] = [
      ['/settings?switches=1&mcp_admin=on&operator_access=on', /name="(?:mcp_admin|operator_access)"[^>]*checked/],
      ['/settings?word=acme_test', /value="acme_test"/],
      [`/people/${member}?role=owner`, /<option value="owner"\s+selected/],
      ['/people/invite?email=eve@evil.test&role=owner&life=30', /<option value="(?:owner|30)"\s+selected/],
      ['/keys/new?name=CI&access=all&expires_at=365', /value="(?:CI|all"\s+checked|365"\s+selected)/],
    ]
    for (const [link, filled] of links)
      for (const again of ['', '&again=1', `&again=${'A'.repeat(43)}`]) {
        const { status, text } = await owner.get(`${HERE}${link}${again}`)
        expect([link, status]).toEqual([link, 200])
        expect([link, filled.exec(text)?.[0] ?? null]).toEqual([link, null])
        expect(readable(text)).not.toContain('press the button again')
      }
    const operators = (await owner.get('/console/operator/tenants/acme_test?suspend_reason=because&again=1')).text
    expect(operators).not.toContain('because')
    expect(readable(operators)).not.toContain('press the button again')
  })

  test('what a person typed themself comes back after the fresh sign-in, to them, on that page, as they typed it', async () => {
    const back = await waiting(stale, '/settings/switches', { switches: '1', operator_access: 'on' })
    const came = (await owner.get(back)).text
    expect(came).toMatch(/name="operator_access"[^>]*checked/)
    expect(came).not.toMatch(/name="mcp_admin"[^>]*checked/)
    expect(readable(came)).toContain('press the button again')
    const changed = (await owner.get(back.replace('switches=1', 'switches=1&mcp_admin=on'))).text
    expect(changed).not.toMatch(/name="(?:mcp_admin|operator_access)"[^>]*checked/)
    // A colleague made the link for their own form.
    await gatehouse(server, 'member add acme_test development:otto --role owner --json')
    const otto = signedInAs(server, { sub: 'otto', email: null }, { fresh: false })
    const his = await waiting(otto, '/settings/switches', { switches: '1', operator_access: 'on' })
    expect(his).toMatch(/operator_access=on/)
    expect((await owner.get(his)).text).not.toMatch(/name="operator_access"[^>]*checked/)
  })

  test('the person who was removed is still invited again by a link that holds their address, and nothing else', async () => {
    expect((await owner.get(`${HERE}/people/invite?email=mel@acme.test`)).text).toContain('value="mel@acme.test"')
  })
})
