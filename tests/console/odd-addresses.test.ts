import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds } from '../support/database.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { signedInAs, visitor, type Visitor } from './support.ts'

const HERE = '/console/t/acme_test'
/** What somebody writes into an address who wants to see what happens. */
const ODD = [
  '%00',
  'a%00b',
  '%0d%0aset-cookie:x=y',
  '%E2%80%AE',
  '%ED%A0%80',
  '%FF',
  '..%2f..%2fetc',
  '%2e%2e',
  "'%20OR%201=1--",
  '%22%3E%3Cscript%3Ealert(1)%3C/script%3E',
  '__proto__',
  'constructor',
  '00000000-0000-7000-8000-000000000000',
  'x'.repeat(5_000),
]

describe.each(upperKinds)('odd addresses on %s', (kind) => {
  let server: RunningGatehouse
  let owner: Visitor

  beforeAll(async () => {
    server = await startGatehouse({
      kind,
      env: { OPERATORS: 'development:alice@acme.test', RATE_LIMIT: 'false' },
    })
    const alice = visitor(server)
    await alice.signIn('alice')
    await alice.get('/console')
    owner = signedInAs(server, { sub: 'alice', email: 'alice@acme.test' })
  }, 90_000)
  afterAll(async () => await server?.close())

  /** No failure of the server's own, no header and no markup of theirs. null: all is well. */
  const faultOf = ({ status, text, headers }: Awaited<ReturnType<Visitor['get']>>): string | null => {
    if (status >= 500 || status === 429) return `answered ${status}`
    if (text.includes('<script>alert')) return 'their markup is in the page'
    return (headers.get('set-cookie') ?? '').includes('x=y') ? 'their header is in the answer' : null
  }

  test.each([
    `${HERE}/keys/*`,
    `${HERE}/people/*`,
    `${HERE}/domains/*`,
    `${HERE}/domains/*/check`,
    `${HERE}/confirm/*`,
    '/console/t/*',
    '/console/operator/tenants/*',
    `${HERE}/people?q=*&role=*&status=*`,
    `${HERE}/people?after=*`,
    `${HERE}/people/requests?after=*`,
    `${HERE}/people/invitations?state=*&after=*`,
    `${HERE}/people/invite?email=*`,
    `${HERE}/keys?page=*&show=*`,
    `${HERE}/usage?range=*`,
    `${HERE}/audit?actor=*`,
    `${HERE}/audit?target=*&action=*`,
    `${HERE}/audit?since=*&until=*&outcome=*&source=*`,
    `${HERE}/audit?after=*`,
    `${HERE}?done=*`,
    '/console/operator/tenants?q=*',
    '/console/operator/tenants?status=*&after=*',
    '/console/account?done=*',
    '/console/account/leave?organisation=*',
    '/console/login?return_to=*&fresh=1',
  ])('%s is answered as a page or a refusal', async (path) => {
    for (const odd of ODD) {
      const at = path.replaceAll('*', odd)
      expect([at.slice(0, 200), faultOf(await owner.get(at))]).toEqual([at.slice(0, 200), null])
    }
  })

  test.each([
    [
      '/keys/*/change',
      { name: '*', access: 'chosen', scopes: '*', expires_at: '*', cidrs: '*', requests_per_hour: '*' },
    ],
    ['/keys/*/rotate', { overlap: '0', new_end: 'keep' }],
    ['/keys/*/revoke', { confirm: '*' }],
    ['/keys/*/adopt', {}],
    ['/keys/new', { name: '*', access: 'chosen', scopes: '*', expires_at: '*', cidrs: '*', requests_per_hour: '*' }],
    ['/people/*/role', { role: '*' }],
    ['/people/invite', { email: '*@acme.test', role: 'member', life: '7' }],
    ['/people/invitations/resend', { invitation: '*' }],
    ['/people/invitations/revoke', { invitation: '*' }],
    ['/domains', { domain: '*' }],
    ['/domains/*/check', {}],
    ['/domains/*/joining', { join_mode: '*', default_role: '*', asserted_by: '*' }],
    ['/domains/*/remove', { confirm: '*' }],
    ['/confirm/*', {}],
    ['/confirm/*/discard', {}],
    ['/settings/name', { name: '*' }],
    ['/settings/delete', { word: '*' }],
    ['/audit/export', { format: 'csv', actor: '*', target: '*', action: '*' }],
    ['/ownership', { domain: '*' }],
  ] as const)('a form sent to %s is taken or refused', async (path, form) => {
    const csrf = await owner.csrf()
    for (const odd of ODD) {
      const at = `${HERE}${path.replaceAll('*', odd)}`
      const typed = odd.startsWith('%') || odd.includes('%00') ? odd.replaceAll('%00', '\0') : odd
      const values = Object.entries(form).map(([name, value]) => [name, value.replaceAll('*', typed)] as const)
      expect([at.slice(0, 200), faultOf(await owner.post(at, { csrf, ...Object.fromEntries(values) }))]).toEqual([
        at.slice(0, 200),
        null,
      ])
    }
  })

  test.each([
    ['/console/operator/tenants', { slug: '*', name: '*', owner: '*' }],
    ['/console/operator/tenants/*/see-as', { reason: '*' }],
    ['/console/operator/tenants/*/suspend', { sure: 'yes', suspend_reason: '*' }],
    ['/console/operator/claims/approve', { slug: '*', domain: '*' }],
    ['/console/account/home', { organisation: '*' }],
    ['/console/account/leave', { organisation: '*', sure: 'yes' }],
    ['/console/invitation', { invitation: '*' }],
  ] as const)('a form sent to %s is taken or refused, too', async (path, form) => {
    const csrf = await owner.csrf()
    for (const odd of ODD) {
      const at = path.replaceAll('*', odd)
      const values = Object.entries(form).map(
        ([name, value]) => [name, value.replaceAll('*', odd.replaceAll('%00', '\0'))] as const,
      )
      expect([at.slice(0, 200), faultOf(await owner.post(at, { csrf, ...Object.fromEntries(values) }))]).toEqual([
        at.slice(0, 200),
        null,
      ])
    }
  })
})
