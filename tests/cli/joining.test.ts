import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { startDns, type DnsServer } from '../support/dns.ts'

interface Claim {
  readonly state: string
  readonly expected: string
  readonly [name: string]: unknown
}

describe.each(upperKinds)('joining, from the command line (%s)', (kind) => {
  let fresh: FreshDatabase
  let server: DnsServer
  beforeAll(async () => {
    server = await startDns()
    server.txt('acme.com', 'v=spf1 -all')
    fresh = await freshDatabase({ kind })
    for (const slug of ['acme', 'globex']) await run(`tenant create ${slug}`)
  })
  afterAll(async () => {
    await fresh.drop()
    await server.close()
  })

  const run = async (line: string): Promise<Ran> =>
    await gatehouse(
      { env: { ...environment(fresh), PORT: '3999', GOOGLE_CLIENT_ID: 'app', DNS_SERVERS: server.address } },
      line,
    )
  const json = async <Value = Claim>(line: string): Promise<Value> => {
    const ran = await run(`${line} --json`)
    expect(ran).toMatchObject({ exit: 0 })
    return ran.json()
  }
  const NAME = '_gatehouse-challenge.acme.com'

  test('a domain is claimed, checked, proved, contested, taken over and changed', async () => {
    const claim = await run('domain claim acme acme.com --join request --role viewer --subdomains')
    expect(claim).toMatchObject({ exit: 0, stderr: '' })
    expect(claim.stdout).toMatch(/^type +TXT$/m)
    expect(claim.stdout).toMatch(/^name +_gatehouse-challenge\.acme\.com\.$/m)
    expect(claim.stdout).toMatch(/^name without the zone +_gatehouse-challenge$/m)
    const { expected, ...shown } = await json('domain show acme acme.com')
    expect(claim.stdout).toContain(expected)
    expect(shown).toMatchObject({
      state: 'pending',
      asserted_by: ['google'],
      join_mode: 'request',
      default_role: 'viewer',
      include_subdomains: true,
    })

    server.txt(NAME, `"${expected}"`)
    const wrong = await run('domain check acme acme.com')
    expect(wrong.stdout).toMatch(/^The value has quotation marks/)
    expect(wrong.stdout).toMatch(new RegExp(`^${NAME} +"${expected}" +${server.address}$`, 'm'))
    expect(await run('domain check acme acme.com')).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: acme.com was just checked: again in \d+ s\n$/),
    })
    const table = await run('domain list acme')
    expect(table.stdout).toMatch(/^acme\.com +pending .* quotes$/m)

    server.txt(NAME, expected)
    await fresh.sql(`UPDATE gatehouse.domains SET checked_at = NULL`)
    expect(await json('domain check acme acme.com')).toMatchObject({
      state: 'verified',
      verified_by: 'dns',
      problem: null,
      seen: [{ name: NAME, values: [expected], from: server.address }],
    })

    const theirs = await json('domain claim globex acme.com --asserted-by google,github')
    server.txt(NAME, theirs.expected)
    expect(await json('domain check globex acme.com')).toMatchObject({ state: 'contested' })
    expect((await run('domain waiting')).stdout).toMatch(/^globex +acme\.com +contested +acme +20/m)
    const asked = await run('domain approve globex acme.com')
    expect(asked).toMatchObject({ exit: 2, stdout: '' })
    expect(asked.stderr).toContain('People of acme.com will join globex, and no other tenant by this domain.')
    expect(await json('domain approve globex acme.com --yes')).toMatchObject({ slug: 'globex', state: 'verified' })
    expect(await json('domain show acme acme.com')).toMatchObject({ state: 'lapsed', expected: null })
    expect(await run('domain waiting')).toMatchObject({ stdout: '', stderr: 'Nothing waits for you.\n' })

    expect(
      await json(
        'domain set globex acme.com --join invite --role admin --no-subdomains --allow-once --asserted-by google',
      ),
    ).toMatchObject({
      join_mode: 'invite',
      default_role: 'admin',
      include_subdomains: false,
      allow_once: true,
      asserted_by: ['google'],
    })
    expect(await json('domain set globex acme.com --no-allow-once')).toMatchObject({
      allow_once: false,
      join_mode: 'invite',
    })
    expect(await run('domain set globex acme.com')).toMatchObject({ exit: 2, stdout: '' })
  })

  test.each([
    'domain claim acme co.uk',
    'domain claim acme xn--pple-43d.com',
    'domain check acme nobody.com',
    'domain approve acme nobody.com --yes',
    'member invite acme nobody',
    'member uninvite acme nobody@guests.com',
    'member decline acme nobody@guests.com --yes',
  ])('%s fails with one line and no answer', async (line) => {
    const ran = await run(line)
    expect(ran).toMatchObject({ exit: 1, stdout: '' })
    expect(ran.stderr).toMatch(/^error: .+\n$/)
  })

  test('an address is invited, again, and no more; the token is shown to who asked and in no list', async () => {
    const made = await run('member invite acme ann@guests.com --role admin --expires 1d --json')
    expect(made).toMatchObject({ exit: 0, stderr: expect.stringContaining('shown this once') })
    const invitation = made.json() as { token: string; created_at: string; expires_at: string }
    expect(invitation).toMatchObject({ email: 'ann@guests.com', role: 'admin', state: 'pending', inviter: null })
    expect(Date.parse(invitation.expires_at) - Date.parse(invitation.created_at)).toBe(86_400_000)
    expect((await run('member invitations acme')).stdout).toMatch(/^ann@guests\.com +admin +pending +operator/m)
    expect(JSON.stringify(await json('member invitations acme'))).not.toContain(invitation.token)
    const again = await run('member reinvite acme ann@guests.com')
    expect(again.stdout).toMatch(/^link +http:\/\/\S+\/console\/invitation#v1\.[\w-]+$/m)
    expect(again.stdout).not.toContain(invitation.token)
    expect(await json('member uninvite acme ann@guests.com')).toMatchObject({ state: 'revoked' })
    expect((await run('member uninvite acme ann@guests.com')).stderr).toMatch(/revoked already/)
    expect(await run('member invitations globex')).toMatchObject({ stdout: '', stderr: 'globex has no invitations.\n' })
  })

  test('who asked to join is listed, declined, and let in all the same', async () => {
    await fresh.sql(
      `INSERT INTO gatehouse.members (id, tenant_id, iss, sub, provider, email, role, status, source, evidence)
        SELECT gen_random_uuid(), id, 'https://accounts.google.com', '1', 'google', 'bob@acme.com', 'viewer', 'requested', 'domain', 'acme.com'
        FROM gatehouse.tenants WHERE slug = 'acme'`,
    )
    expect((await run('member requests acme')).stdout).toMatch(/^google:1 +bob@acme\.com +- +viewer +acme\.com/m)
    const asked = await run('member decline acme google:1')
    expect(asked).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('google:1 cannot ask to join acme for 30 days.'),
    })
    expect(await json('member decline acme bob@acme.com --yes')).toMatchObject({
      user_id: 'google:1',
      declined_until: expect.stringMatching(/Z$/),
    })
    expect(await run('member requests acme')).toMatchObject({ stdout: '', stderr: 'Nobody asks to join acme.\n' })
    expect(await json('member approve acme google:1 --role member')).toMatchObject({ status: 'active', role: 'member' })
    expect(await run('member approve acme google:1')).toMatchObject({ exit: 1, stdout: '' })
  })
})
