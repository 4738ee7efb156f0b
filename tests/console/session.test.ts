import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { loadConfig } from '#base/config-load.ts'
import { createSessions } from '#login/session.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { SESSION, visitor, type Visitor } from './support.ts'

let server: RunningGatehouse
let second: RunningGatehouse
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
  second = await startGatehouse({ kind: 'postgres', beside: server, env: { PUBLIC_URL: server.url } })
}, 60_000)
afterAll(async () => {
  await second?.close()
  await server?.close()
})

async function signedIn(person: string): Promise<Visitor> {
  const who = visitor(server)
  expect((await who.signIn(person)).status).toBe(303)
  return who
}

/** The same cookies at the other replica. */
function atSecond(who: Visitor): Visitor {
  const other = visitor(server, `http://127.0.0.1:${second.config.port}`)
  for (const [name, value] of who.jar) other.jar.set(name, value)
  return other
}

const status = async (who: Visitor): Promise<number> => (await who.get('/console/account')).status
const run = async (line: string): Promise<void> => {
  const ran = await gatehouse(server, line)
  expect(ran).toMatchObject({ exit: 0, stderr: '' })
}

test('D31: a session counts nowhere but under /console: /mcp and /api do not even look at it', async () => {
  const alice = await signedIn('alice')
  const cookie = `${SESSION}=${alice.jar.get(SESSION)}`
  const mcp = await rpc(server.mcp, null, 'tools/list', {}, { cookie })
  expect([mcp.status, mcp.headers.getSetCookie()]).toEqual([401, []])
  const api = await fetch(`${server.url}/api/v1/whoami`, { headers: { cookie } })
  expect([api.status, api.headers.getSetCookie()]).toEqual([401, []])
  const bearer = await rpc(server.mcp, alice.jar.get(SESSION) ?? '', 'tools/list')
  expect(bearer.status).toBe(401)
  expect(await status(alice)).toBe(200)
})

test('any replica opens a session, and neither holds it', async () => {
  const alice = await signedIn('alice')
  expect(await status(atSecond(alice))).toBe(200)
})

test('a session of a provider that nobody can sign in with any more is over, at the replicas that know', async () => {
  const alice = await signedIn('alice')
  // As if OIDC_COMPANY had been taken out of the configuration, or pointed at another issuer.
  const { sessionSecrets: secrets, publicUrl } = server.config
  const sessions = createSessions({ secrets, publicUrl, clock: systemClock })
  const session = sessions.open(alice.jar.get(SESSION) ?? '')
  if (session === null) throw new Error('no session')
  const { identity } = session
  const changed = [
    { ...identity, provider: 'company' },
    { ...identity, iss: 'https://issuer-before.test' },
  ]
  for (const gone of changed) {
    const other = visitor(server)
    other.jar.set(SESSION, sessions.seal({ ...session, identity: gone }))
    const page = await other.get('/console/account')
    expect([page.status, page.location]).toEqual([303, '/console/login?return_to=%2Fconsole%2Faccount'])
  }
  expect(await status(alice)).toBe(200)
})

test('B10: a cookie that was changed, cut short, spelt in another way or sealed by somebody else is nobody', async () => {
  const alice = await signedIn('alice')
  const good = alice.jar.get(SESSION) ?? ''
  const at = good.length - 5
  const config = loadConfig({ PORT: String(server.config.port) })
  const sealedBy = (secret: string, publicUrl: string): string => {
    const sessions = createSessions({ secrets: [secret], publicUrl, clock: { now: () => Date.now() } })
    const identity = { provider: 'development', iss: `${server.url}/dev`, sub: 'alice', email: 'alice@acme.test' }
    const rest = {
      email_verified: true,
      email_authority: 'live' as const,
      scopes: null,
      name: null,
      organization: null,
    }
    const none = { tenant: null, client_id: null, exp: null, iat: null, picture: null, key: null, claims: {} }
    return sessions.seal(sessions.begin({ ...identity, ...rest, ...none }, null))
  }
  const own = server.config.sessionSecrets[0] ?? ''
  const changed = [
    `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`,
    good.slice(0, -1),
    `${good}=`,
    good.replace('v1.', 'v2.'),
    good.replace('v1.', ''),
    sealedBy('another secret of more than 32 characters', config.publicUrl),
    sealedBy(own, 'https://other.test'),
    'x',
  ]
  for (const value of changed) {
    alice.jar.set(SESSION, value)
    const page = await alice.get('/console/account')
    expect([value.slice(0, 4), page.status, page.location]).toEqual([
      value.slice(0, 4),
      303,
      '/console/login?return_to=%2Fconsole%2Faccount',
    ])
  }
  // The same function with our own secret and address does make one: what differed above is what was refused.
  alice.jar.set(SESSION, sealedBy(own, server.url))
  expect(await status(alice)).toBe(200)
})

describe('D31: signing out', () => {
  test('ends the session at every replica at once, also for a copy of the cookie, and no other', async () => {
    const [alice, laptop] = [await signedIn('alice'), await signedIn('alice')]
    const copy = atSecond(alice)
    const out = await alice.post('/console/logout', { csrf: await alice.csrf() })
    expect([out.status, out.location]).toEqual([303, '/console/login?left=1'])
    expect(alice.jar.has(SESSION)).toBe(false)
    expect((await alice.get(out.location ?? '')).text).toContain('You are signed out')
    expect(await status(copy)).toBe(303)
    expect(await status(laptop)).toBe(200)
  })

  test('everywhere ends all of this person and nobody else, and signing in again works', async () => {
    const [alice, laptop, bob] = [await signedIn('alice'), await signedIn('alice'), await signedIn('bob')]
    await alice.post('/console/logout-everywhere', { csrf: await alice.csrf() })
    expect([await status(alice), await status(atSecond(laptop)), await status(bob)]).toEqual([303, 303, 200])
    expect(await status(await signedIn('alice'))).toBe(200)
    expect(await status(laptop)).toBe(303)
  })

  test('needs the form token of this very session and a page of ours', async () => {
    const [alice, mallory] = [await signedIn('alice'), await signedIn('carol')]
    const csrf = await alice.csrf()
    const evil = { origin: 'http://evil.example.com', 'sec-fetch-site': 'cross-site' }
    for (const path of ['/console/logout', '/console/logout-everywhere']) {
      const answers = [
        await alice.post(path, {}),
        await alice.post(path, { csrf: '' }),
        await alice.post(path, { csrf: `${csrf}x` }),
        await alice.post(path, { csrf: await mallory.csrf() }),
        await alice.post(path, { csrf }, evil),
        await alice.post(path, { csrf }, {}),
      ]
      expect(answers.map((page) => page.status)).toEqual([403, 403, 403, 403, 403, 403])
    }
    expect(await status(alice)).toBe(200)
    // Nobody at all is sent to the login.
    expect((await visitor(server).post('/console/logout', { csrf })).location).toContain('/console/login')
  })

  test('stands in the audit with who, when and from where', async () => {
    const alice = await signedIn('alice')
    await alice.post('/console/logout', { csrf: await alice.csrf() })
    await until(async () => {
      const rows = await server.database.sql<{ action: string; sub: string; ip: string }>(
        `SELECT action, sub, ip FROM gatehouse.audit WHERE action LIKE 'session.%' ORDER BY id DESC LIMIT 2`,
      )
      expect(rows).toEqual([
        { action: 'session.ended', sub: 'alice', ip: '127.0.0.1' },
        { action: 'session.started', sub: 'alice', ip: '127.0.0.1' },
      ])
      return true
    })
  })
})

describe('what somebody may do is asked anew at each request', () => {
  test('a suspended organisation is told as such, and its people may still sign out', async () => {
    const bob = await signedIn('bob')
    expect((await bob.get('/console/account')).text).toContain('globex_test')
    await run('tenant suspend globex_test --yes')
    await until(async () => (await bob.get('/console/account')).text.includes('It is suspended'))
    const page = await bob.get('/console/account')
    expect(page.status).toBe(200)
    expect(page.text).not.toContain('What you may do')
    expect((await bob.post('/console/logout', { csrf: await bob.csrf() })).status).toBe(303)
    await run('tenant resume globex_test')
    await until(async () => (await (await signedIn('bob')).get('/console/account')).text.includes('What you may do'))
  })

  test('a blocked person is out within a second, with a session or a new one', async () => {
    const bob = await signedIn('bob')
    await run('person block development:bob --yes')
    await until(async () => (await status(bob)) !== 200, 1000)
    const again = await signedIn('bob')
    const page = await again.get('/console/account')
    expect(page.status).toBe(403)
    expect(page.text).toContain('This account is blocked')
    expect(again.jar.has(SESSION)).toBe(false)
    await run('person unblock development:bob')
  })

  test('D22: revoke-tokens ends the sessions of a member too; who is removed is told so', async () => {
    const carol = await signedIn('carol')
    expect((await carol.get('/console/account')).text).toContain('viewer')
    await run('member revoke-tokens acme_test development:carol --yes')
    await until(async () => (await status(carol)) !== 200, 1000)
    // Times of tokens are whole seconds: one of the same second counts as earlier.
    const later = await until(async () => (await status(await signedIn('carol'))) === 200).then(
      async () => await signedIn('carol'),
    )
    await run('member remove acme_test development:carol --yes')
    await until(async () => (await later.get('/console/account')).text.includes('You were removed from it'), 1000)
  })
})
