import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import type { Identity } from '#identity/identity.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import type { ClaimRecord } from '#tenancy/claims.ts'
import { settle } from '#tenancy/claims-settle.ts'
import { createDns, type Dns } from '#tenancy/dns.ts'
import { createDomainWatch, type DomainWatch } from '#tenancy/domain-watch.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import { authorOf, createLedger } from '#tenancy/ledger.ts'
import type { Actor, Registry } from '#tenancy/registry.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { startDns, type DnsServer } from '../support/dns.ts'
import { until } from '../support/until.ts'
import {
  actorOf,
  eventually,
  MovedClock,
  operator,
  person,
  refusal,
  registryError,
  SECRET,
  startReplica,
  type Replica,
} from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Time that stands still until told to move. */
class StandingClock extends MovedClock {
  #at = Date.now()
  override now(): number {
    return this.#at
  }
  override advance(milliseconds: number): void {
    this.#at += milliseconds
  }
}

describe.each(upperKinds)('claims (%s)', (kind) => {
  let fresh: FreshDatabase
  let server: DnsServer
  let replica: Replica
  let registry: Registry
  let acme: Tenant
  let globex: Tenant
  let admin: Actor
  let rival: Actor
  let watch: DomainWatch
  const clock = new StandingClock()

  beforeAll(async () => {
    server = await startDns()
    fresh = await freshDatabase({ kind })
    replica = await startReplica(fresh, { clock, dnsServer: server.address })
    ;({ registry } = replica)
    acme = await registry.tenants.create(operator, { slug: 'acme' })
    globex = await registry.tenants.create(operator, { slug: 'globex' })
    admin = await member('admin', acme)
    rival = await member('admin', globex)
    watch = watcher()
  })
  afterAll(async () => {
    await watch.close()
    await fresh.drop()
    await server.close()
  })

  // What one test left is not for the watcher of the next.
  afterEach(async () => void (await fresh.sql(`DELETE FROM gatehouse.domains`)))

  const watcher = (parts: { database?: Replica['database']; dns?: Dns; every?: number } = {}): DomainWatch =>
    createDomainWatch({
      database: fresh.database,
      clock,
      auditKey: auditKey(SECRET, CONTROL_SCHEMA),
      dns: createDns({ servers: [server.address] }),
      log: createLog('silent'),
      ready: () => true,
      ...parts,
    })

  let count = 0
  /** A domain of its own for each test, which exists. */
  function newDomain(): string {
    const domain = `company-${(count += 1)}.com`
    server.txt(domain, 'v=spf1 -all')
    return domain
  }
  const publish = ({ domain, expected }: ClaimRecord): void => server.txt(nameOf(domain), expected ?? '')
  const nameOf = (domain: string): string => `_gatehouse-challenge.${domain}`

  async function member(role: PersonRole, tenant: Tenant, overrides: Partial<Identity> = {}): Promise<Actor> {
    const identity = person(null, { sub: `person-${(count += 1)}`, ...overrides })
    const { iss, sub, provider } = identity
    await registry.members.add(tenant, operator, { provider, iss, sub, role })
    return actorOf(await replica.principal(identity, { slug: tenant.slug }))
  }
  const recordOf = async (domain: string, tenant = acme): Promise<DomainRecord | undefined> =>
    (await registry.domains.list(tenant, operator)).find((record) => record.domain === domain)
  const stateOf = async (domain: string, tenant = acme) => (await recordOf(domain, tenant))?.state
  const actions = async (domain: string, tenant = acme): Promise<string[]> =>
    (
      await fresh.sql<{ action: string }>(
        `SELECT action FROM gatehouse.audit WHERE target = $1 AND tenant_id = $2 ORDER BY xmin::text::bigint`,
        [domain, tenant.id],
      )
    ).map((row) => row.action)
  const why = async (call: Promise<unknown>): Promise<string> =>
    await call.then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    )
  /** Claimed, published and proved. */
  async function proved(tenant = acme, actor = admin): Promise<string> {
    const domain = newDomain()
    publish(await registry.claims.claim(tenant, actor, { domain, asserted_by: ['oidc'] }))
    expect(await registry.claims.check(tenant, actor, domain)).toMatchObject({ state: 'verified', problem: null })
    return domain
  }
  /** Days pass, the background looking once on each. */
  async function days(number: number): Promise<void> {
    for (let day = 0; day < number; day++) {
      clock.advance(DAY)
      await watch.tick()
    }
  }

  describe('claiming', () => {
    test('answers the record in both forms and what is to be in it, and says nothing of it in the list', async () => {
      const domain = newDomain()
      const claim = await registry.claims.claim(acme, admin, { domain: domain.toUpperCase() })
      expect(claim).toMatchObject({
        slug: 'acme',
        domain,
        state: 'pending',
        verified_by: null,
        asserted_by: ['oidc'],
        join_mode: 'auto',
        default_role: 'member',
        include_subdomains: false,
        allow_once: false,
        problem: null,
        name_relative: '_gatehouse-challenge',
        name_absolute: `${nameOf(domain)}.`,
        expected: expect.stringMatching(/^token=[a-z2-7]{26}$/),
        next_check: new Date(clock.now() + MINUTE).toISOString(),
        expires_at: new Date(clock.now() + 30 * DAY).toISOString(),
      })
      expect(await registry.claims.show(acme, admin, domain)).toEqual(claim)
      expect(JSON.stringify(await registry.domains.list(acme, admin))).not.toContain(claim.expected?.slice(6))
      expect(await actions(domain)).toEqual(['domain.claimed'])
    })

    test('again answers the same claim, and it is one audit row', async () => {
      const domain = newDomain()
      const [one, two] = await Promise.all([
        registry.claims.claim(acme, admin, { domain }),
        registry.claims.claim(acme, admin, { domain }),
      ])
      expect(two).toEqual(one)
      expect(await actions(domain)).toEqual(['domain.claimed'])
    })

    test('is for admins of the tenant and operators', async () => {
      const domain = newDomain()
      const plain = await member('member', acme)
      expect(await registryError(registry.claims.claim(acme, plain, { domain }))).toBe('forbidden')
      expect(await registryError(registry.claims.claim(globex, admin, { domain }))).toBe('unknown')
      await registry.claims.claim(acme, operator, { domain, asserted_by: ['google'] })
      for (const call of [
        async () => await registry.claims.show(acme, plain, domain),
        async () => await registry.claims.check(acme, plain, domain),
        async () => await registry.claims.set(acme, plain, domain, { join_mode: 'auto' }),
        async () => await registry.claims.approve(acme, admin, domain),
      ])
        expect(await registryError(call())).toBe('forbidden')
      expect(await registryError(registry.claims.show(acme, admin, 'nobody.com'))).toBe('unknown')
    })

    test.each([
      ['co.uk', 'is a public suffix: strangers register names under it'],
      ['github.io', 'is a public suffix'],
      ['gmail.com', 'gives addresses to the public, so it proves nothing'],
      ['localhost', 'is no domain'],
      ['acme.com.', 'no trailing dot'],
      ['bücher.de', 'an IDN as punycode'],
      ['xn--80ak6aa92e.com', 'reads аррӏе.com, whose letters can be taken for Latin ones'],
      ['xn--pple-43d.com', 'reads аpple.com, which mixes scripts'],
      [`${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(50)}.com`, 'is too long'],
    ])('%s is refused with the reason', async (domain, reason) => {
      const call = registry.claims.claim(acme, admin, { domain })
      expect(await why(call)).toContain(reason)
      expect(await registryError(call)).toBe('invalid')
    })

    test('an operator cannot vouch for a look-alike either', async () => {
      const call = registry.domains.add(acme, operator, { domain: 'xn--pple-43d.com', asserted_by: ['oidc'] })
      expect(await registryError(call)).toBe('invalid')
    })

    test('a tenant has at most 50 claims without proof', async () => {
      const greedy = await registry.tenants.create(operator, { slug: `greedy_${kind}` })
      await fresh.sql(
        `INSERT INTO gatehouse.domains (id, tenant_id, domain, state, token, asserted_by, claimed_at)
          SELECT gen_random_uuid(), $1, 'greedy-' || n || '.com', 'pending', 'token', '{oidc}', now() FROM generate_series(1, 49) n`,
        [greedy.id],
      )
      await registry.claims.claim(greedy, operator, { domain: 'greedy-50.com', asserted_by: ['oidc'] })
      const more = registry.claims.claim(greedy, operator, { domain: 'greedy-51.com', asserted_by: ['oidc'] })
      expect(await registryError(more)).toBe('conflict')
    })

    test.each([
      { asserted_by: [] },
      { asserted_by: ['a\u0007b'] },
      { asserted_by: Array.from({ length: 21 }, (_, index) => `p${index}`) },
      { join_mode: 'anyhow' as 'auto' },
      { default_role: 'owner' as 'admin' },
    ])('terms that cannot be are refused: %j', async (terms) => {
      const domain = newDomain()
      expect(await registryError(registry.claims.claim(acme, admin, { domain, ...terms }))).toBe('invalid')
      expect(await recordOf(domain)).toBeUndefined()
    })
  })

  describe('checking now', () => {
    test('nothing there: says so, and the claim stays', async () => {
      const domain = newDomain()
      const claim = await registry.claims.claim(acme, admin, { domain })
      expect(await registry.claims.check(acme, admin, domain)).toEqual({
        ...claim,
        checked_at: new Date(clock.now()).toISOString(),
        problem: { code: 'no_name', message: expect.stringContaining(`nothing at ${nameOf(domain)} yet`) },
        seen: [],
        asked: server.address,
      })
    })

    test('the record there: verified, seen, audited, and people join from then on', async () => {
      const domain = newDomain()
      const someone = person(`ann@${domain}`)
      const claim = await registry.claims.claim(acme, admin, { domain, asserted_by: ['oidc'], default_role: 'viewer' })
      expect(await refusal(replica.principal(someone))).toBe('tenant_unknown')
      publish(claim)
      const report = await registry.claims.check(acme, admin, domain)
      expect(report).toMatchObject({
        state: 'verified',
        verified_by: 'dns',
        verified_at: new Date(clock.now()).toISOString(),
        problem: null,
        expires_at: null,
        lapses_at: null,
        next_check: new Date(clock.now() + DAY).toISOString(),
        seen: [{ name: nameOf(domain), values: [claim.expected], from: server.address }],
      })
      expect(await actions(domain)).toEqual(['domain.claimed', 'domain.verified'])
      await eventually(async () => await refusal(replica.principal(someone))).toBe('served')
      expect(await replica.principal(someone)).toMatchObject({ tenant: { slug: 'acme' }, role: 'viewer' })
      expect(await registryError(registry.claims.claim(acme, admin, { domain }))).toBe('exists')
    })

    test('another time within 10 s is refused on every replica, and after that not', async () => {
      const domain = newDomain()
      await registry.claims.claim(acme, admin, { domain })
      const other = await startReplica(fresh, { clock, dnsServer: server.address, database: await fresh.open() })
      await registry.claims.check(acme, admin, domain)
      clock.advance(9_999)
      const early = other.registry.claims.check(acme, admin, domain)
      expect(await why(early)).toBe(`${domain} was just checked: again in 1 s`)
      expect(await registryError(early)).toBe('limited')
      clock.advance(1)
      expect(await registryError(other.registry.claims.check(acme, admin, domain))).toBe('done')
    })

    test('by hand it neither stretches nor puts off what the background does', async () => {
      const domain = newDomain()
      const { next_check: due } = await registry.claims.claim(acme, admin, { domain })
      for (let time = 0; time < 3; time++) {
        await registry.claims.check(acme, admin, domain)
        clock.advance(10_000)
      }
      expect((await recordOf(domain))?.next_check).toBe(due)
    })

    test('what an operator vouched for has nothing to check until it is claimed too', async () => {
      const domain = newDomain()
      await registry.domains.add(acme, operator, { domain, asserted_by: ['oidc'] })
      expect(await registryError(registry.claims.check(acme, admin, domain))).toBe('conflict')
      publish(await registry.claims.claim(acme, admin, { domain }))
      expect(await recordOf(domain)).toMatchObject({ state: 'verified', verified_by: 'operator' })
      expect(await registry.claims.check(acme, admin, domain)).toMatchObject({ state: 'verified', verified_by: 'dns' })
    })

    test('a claim to prove what somebody vouches for ends after 30 days and changes nothing else', async () => {
      const domain = newDomain()
      await registry.domains.add(acme, operator, { domain, asserted_by: ['oidc'] })
      await registry.claims.claim(acme, admin, { domain })
      await days(31)
      expect(await recordOf(domain)).toMatchObject({ state: 'verified', verified_by: 'operator', next_check: null })
      expect(await registry.claims.show(acme, admin, domain)).toMatchObject({ expected: null, problem: null })
      expect(await actions(domain)).toEqual(['domain.added', 'domain.claimed', 'domain.claim_expired'])
    })

    test('what was found for a claim that was made anew meanwhile counts for nothing', async () => {
      const domain = newDomain()
      const { id } = await registry.claims.claim(acme, admin, { domain })
      const ledger = createLedger({ database: fresh.database, clock, auditKey: auditKey(SECRET, CONTROL_SCHEMA) })
      await settle(
        { ledger, clock },
        { as: 'operator' },
        authorOf(operator),
        { id, tenant_id: acme.id, token: 'of the claim before' },
        { verdict: 'proved', problem: null, seen: [] },
        { background: false },
      )
      expect(await stateOf(domain)).toBe('pending')
    })
  })

  describe('in the background', () => {
    test('a claim is looked at after 1 m, 5 m, 15 m, 1 h, then ever more rarely, and expires after 30 days', async () => {
      const domain = newDomain()
      const claim = await registry.claims.claim(acme, admin, { domain })
      const began = clock.now()
      const waits: number[] = []
      for (let time = 0; time < 11; time++) {
        const due = Date.parse((await recordOf(domain))?.next_check ?? '')
        waits.push((due - clock.now()) / MINUTE)
        clock.advance(due - clock.now() - 1)
        await watch.tick()
        // Not a moment too soon.
        expect((await recordOf(domain))?.next_check).toBe(new Date(due).toISOString())
        clock.advance(1)
        await watch.tick()
        expect(await recordOf(domain)).toMatchObject({ checked_at: new Date(due).toISOString() })
      }
      expect(waits).toEqual([1, 5, 15, 60, 120, 240, 480, 960, 1440, 1440, 1440])
      expect(await recordOf(domain)).toMatchObject({ state: 'pending', problem: { code: 'no_name' } })
      while ((await stateOf(domain)) === 'pending') {
        clock.advance(DAY)
        await watch.tick()
        expect(clock.now() - began).toBeLessThan(32 * DAY)
      }
      expect(clock.now() - began).toBeGreaterThanOrEqual(30 * DAY)
      expect(await recordOf(domain)).toMatchObject({ state: 'expired', next_check: null })
      expect(await actions(domain)).toEqual(['domain.claimed', 'domain.expired'])
      // The old record is worth nothing; a new claim has a new one.
      publish(claim)
      expect(await registryError(registry.claims.check(acme, admin, domain))).toBe('conflict')
      const again = await registry.claims.claim(acme, admin, { domain })
      expect(again.expected).not.toBe(claim.expected)
      expect(again.state).toBe('pending')
      expect(await registryError(registry.claims.check(acme, admin, domain))).toBe('limited')
      clock.advance(10_000)
      expect(await registry.claims.check(acme, admin, domain)).toMatchObject({ problem: { code: 'wrong_token' } })
    })

    test('a claim is verified without anybody asking', async () => {
      const domain = newDomain()
      publish(await registry.claims.claim(acme, admin, { domain }))
      clock.advance(MINUTE)
      await watch.tick()
      expect(await recordOf(domain)).toMatchObject({ state: 'verified', verified_by: 'dns' })
      const [row] = await fresh.sql<{ iss: string; sub: string }>(
        `SELECT iss, sub FROM gatehouse.audit WHERE target = $1 AND action = 'domain.verified'`,
        [domain],
      )
      expect(row).toEqual({ iss: 'gatehouse', sub: 'domain-watch' })
    })

    test.each(['SERVFAIL', 'REFUSED'] as const)('%s neither stretches the rhythm nor lapses anything', async (how) => {
      const open = newDomain()
      await registry.claims.claim(acme, admin, { domain: open })
      const held = await proved()
      for (const domain of [open, held]) server.fail(nameOf(domain), how)
      await days(20)
      expect(await recordOf(held)).toMatchObject({
        state: 'verified',
        lapses_at: null,
        problem: { code: 'unreachable' },
      })
      expect(await recordOf(open)).toMatchObject({ state: 'pending', problem: { code: 'unreachable' } })
      const [row] = await fresh.sql(`SELECT failures FROM gatehouse.domains WHERE domain = $1`, [open])
      expect(row).toEqual({ failures: 0 })
      // An hour later it is asked again.
      expect(Date.parse((await recordOf(held))?.next_check ?? '') - clock.now()).toBe(HOUR)
      server.fail(nameOf(held), null)
      clock.advance(HOUR)
      await watch.tick()
      expect(await recordOf(held)).toMatchObject({ state: 'verified', problem: null })
    })

    test('a verified domain is looked at daily; a record that comes back within 7 days leaves no trace', async () => {
      const domain = await proved()
      await days(3)
      expect((await recordOf(domain))?.next_check).toBe(new Date(clock.now() + DAY).toISOString())
      server.remove(nameOf(domain))
      await days(1)
      expect(await recordOf(domain)).toMatchObject({
        state: 'verified',
        problem: { code: 'no_name' },
        lapses_at: new Date(clock.now() + 7 * DAY).toISOString(),
      })
      await days(6)
      expect(await stateOf(domain)).toBe('verified')
      publish(await registry.claims.show(acme, admin, domain))
      await days(1)
      expect(await recordOf(domain)).toMatchObject({ state: 'verified', problem: null, lapses_at: null })
      server.remove(nameOf(domain))
      await days(7)
      expect(await stateOf(domain)).toBe('verified')
      expect(await actions(domain)).toEqual([
        'domain.claimed',
        'domain.verified',
        'domain.failing',
        'domain.recovered',
        'domain.failing',
      ])
    })

    test('D8: after 7 days it lapses: nobody joins, members stay, and a new proof waits for an operator', async () => {
      const domain = await proved()
      const early = person(`early@${domain}`)
      await replica.principal(early)
      const record = await registry.claims.show(acme, admin, domain)
      server.remove(nameOf(domain))
      await days(8)
      expect(await recordOf(domain)).toMatchObject({
        state: 'lapsed',
        expires_at: new Date(clock.now() + 30 * DAY).toISOString(),
      })
      expect(await refusal(replica.principal(person(`late@${domain}`)))).toBe('tenant_unknown')
      expect(await refusal(replica.principal(early))).toBe('served')
      // Whoever has the domain now can copy the record, which the world could read.
      publish(record)
      await days(2)
      expect(await recordOf(domain)).toMatchObject({ state: 'lapsed', problem: { code: 'approval' }, expires_at: null })
      clock.advance(10_000)
      expect(await registry.claims.check(acme, admin, domain)).toMatchObject({ state: 'lapsed' })
      publish(await registry.claims.claim(acme, admin, { domain }))
      clock.advance(10_000)
      expect(await registry.claims.check(acme, admin, domain)).toMatchObject({ problem: { code: 'approval' } })
      expect(await registryError(registry.domains.remove(acme, admin, domain))).toBe('conflict')
      expect(await refusal(replica.principal(person(`late@${domain}`)))).toBe('tenant_unknown')
      expect(await registryError(registry.claims.approve(acme, admin, domain))).toBe('forbidden')
      expect(await registry.claims.waiting(operator)).toMatchObject([
        { slug: 'acme', domain, why: 'approval', held_by: null },
      ])
      expect(await registry.claims.approve(acme, operator, domain)).toMatchObject({ state: 'verified', problem: null })
      expect(await registry.claims.waiting(operator)).toEqual([])
      await eventually(async () => await refusal(replica.principal(person(`late@${domain}`)))).toBe('served')
      expect((await actions(domain)).slice(2)).toEqual([
        'domain.failing',
        'domain.lapsed',
        'domain.reproved',
        'domain.claimed',
        'domain.reproved',
        'domain.approved',
      ])
    })

    test('D8: a lapsed domain expires after 30 days, and even then its next proof waits for an operator', async () => {
      const domain = await proved()
      server.remove(nameOf(domain))
      await days(8)
      expect(await stateOf(domain)).toBe('lapsed')
      await days(29)
      expect(await stateOf(domain)).toBe('lapsed')
      await days(1)
      expect(await recordOf(domain)).toMatchObject({ state: 'expired', next_check: null, expires_at: null })
      publish(await registry.claims.claim(acme, admin, { domain }))
      clock.advance(10_000)
      expect(await registry.claims.check(acme, admin, domain)).toMatchObject({
        state: 'pending',
        problem: { code: 'approval' },
      })
      expect(await registry.claims.approve(acme, operator, domain)).toMatchObject({ state: 'verified' })
    })

    test('two watchers share the work: every domain that is due is asked for once', async () => {
      const second = watcher({ database: await fresh.open() })
      // Both have their connections, so that they really meet.
      await Promise.all([watch.tick(), second.tick()])
      for (let round = 0; round < 3; round++) {
        const domains = Array.from({ length: 20 }, newDomain)
        const at = new Date(clock.now())
        await fresh.sql(
          `INSERT INTO gatehouse.domains (id, tenant_id, domain, state, token, asserted_by, claimed_at, next_check)
            SELECT gen_random_uuid(), $1, domain, 'pending', 'token', '{oidc}', $2, $2 FROM unnest($3::text[]) domain`,
          [globex.id, at, domains],
        )
        server.asked.length = 0
        const [one, two] = await Promise.all([watch.tick(), second.tick()])
        expect(one + two).toBe(20)
        for (const domain of domains)
          expect(server.asked.filter((question) => question === `TXT ${nameOf(domain)}`)).toHaveLength(1)
      }
      await second.close()
    })

    test('what a watcher took and did not finish is due again after two minutes', async () => {
      const domain = newDomain()
      publish(await registry.claims.claim(acme, admin, { domain }))
      clock.advance(MINUTE)
      const broken: Dns = {
        from: 'nowhere',
        txt: async () => await Promise.reject(new Error('died')),
        cname: async () => await Promise.reject(new Error('died')),
      }
      expect(await watcher({ dns: broken }).tick()).toBeGreaterThan(0)
      clock.advance(2 * MINUTE - 1)
      await watch.tick()
      expect(await stateOf(domain)).toBe('pending')
      clock.advance(1)
      await watch.tick()
      expect(await stateOf(domain)).toBe('verified')
    })

    test('once started it ticks by itself, and not while the registry is away', async () => {
      const domain = newDomain()
      publish(await registry.claims.claim(acme, admin, { domain }))
      clock.advance(MINUTE)
      let ready = false
      let asked = 0
      const own = createDomainWatch({
        database: fresh.database,
        clock,
        auditKey: auditKey(SECRET, CONTROL_SCHEMA),
        dns: createDns({ servers: [server.address] }),
        log: createLog('silent'),
        ready: () => {
          asked += 1
          return ready
        },
        every: 5,
      })
      own.start()
      await until(() => asked > 2)
      expect(await stateOf(domain)).toBe('pending')
      ready = true
      await until(async () => (await stateOf(domain)) === 'verified')
      await own.close()
    })
  })

  describe('two tenants and one domain', () => {
    test('the second proof is contested, names nobody, and changes nothing for the first', async () => {
      const domain = await proved()
      const claim = await registry.claims.claim(globex, rival, { domain, asserted_by: ['oidc'] })
      expect(claim.state).toBe('pending')
      server.txt(nameOf(domain), claim.expected ?? '', (await registry.claims.show(acme, admin, domain)).expected ?? '')
      const report = await registry.claims.check(globex, rival, domain)
      expect(report).toMatchObject({ state: 'contested', problem: { code: 'contested' }, expires_at: null })
      expect(JSON.stringify([report, await registry.domains.list(globex, rival)])).not.toMatch(/acme/)
      const audit = await fresh.sql(`SELECT * FROM gatehouse.audit WHERE tenant_id = $1`, [globex.id])
      expect(JSON.stringify(audit)).not.toMatch(/acme/)
      expect(await replica.principal(person(`new@${domain}`))).toMatchObject({ tenant: { slug: 'acme' } })
      // It stays contested for as long as the proof stays, and is told of once.
      await days(35)
      expect(await stateOf(domain, globex)).toBe('contested')
      expect(await actions(domain, globex)).toEqual(['domain.claimed', 'domain.contested'])
      // A proof that is withdrawn contests nothing, and the claim is over as any other.
      server.txt(nameOf(domain), (await registry.claims.show(acme, admin, domain)).expected ?? '')
      await days(1)
      expect(await stateOf(domain, globex)).toBe('pending')
      await days(1)
      expect(await stateOf(domain, globex)).toBe('expired')
      expect(await stateOf(domain)).toBe('verified')
    })

    test('D8: an operator approves the take-over: new people go to the new tenant, old members and data stay', async () => {
      const domain = await proved()
      const old = person(`old@${domain}`)
      await replica.principal(old)
      publish(await registry.claims.claim(globex, rival, { domain, asserted_by: ['oidc'] }))
      await registry.claims.check(globex, rival, domain)
      expect(await registryError(registry.claims.approve(globex, rival, domain))).toBe('forbidden')
      expect(await registryError(registry.claims.waiting(rival))).toBe('forbidden')
      expect(await registry.claims.waiting(operator)).toMatchObject([
        { slug: 'globex', domain, why: 'contested', held_by: 'acme' },
      ])
      expect(await registry.claims.approve(globex, operator, domain)).toMatchObject({
        slug: 'globex',
        state: 'verified',
        verified_by: 'dns',
      })
      expect(await recordOf(domain)).toMatchObject({
        state: 'lapsed',
        problem: { code: 'superseded', message: expect.not.stringContaining('globex') },
      })
      expect(await replica.principal(person(`new@${domain}`))).toMatchObject({ tenant: { slug: 'globex' } })
      expect(await replica.principal(old)).toMatchObject({ tenant: { slug: 'acme' } })
      expect(await refusal(replica.principal(person(`new@${domain}`), { slug: 'acme' }))).toBe('tenant_foreign')
      expect(await actions(domain)).toEqual(['domain.claimed', 'domain.verified', 'domain.taken_over'])
      expect(await actions(domain, globex)).toEqual(['domain.claimed', 'domain.contested', 'domain.approved'])
      const [row] = await fresh.sql(
        `SELECT detail FROM gatehouse.audit WHERE target = $1 AND action = 'domain.taken_over'`,
        [domain],
      )
      expect(row).toEqual({ detail: { domain } })
      // The loser has nothing left to prove, and it ends.
      expect(await registryError(registry.claims.check(acme, admin, domain))).toBe('conflict')
      await days(31)
      expect(await recordOf(domain)).toMatchObject({ state: 'expired', problem: { code: 'superseded' } })
    })

    test('approving needs the record there at that moment, and a claim', async () => {
      const domain = newDomain()
      const claim = await registry.claims.claim(acme, admin, { domain })
      expect(await why(registry.claims.approve(acme, operator, domain))).toContain('There is nothing at')
      server.fail(nameOf(domain), 'SERVFAIL')
      expect(await why(registry.claims.approve(acme, operator, domain))).toContain('no answer that can be judged')
      expect(await stateOf(domain)).toBe('pending')
      server.fail(nameOf(domain), null)
      publish(claim)
      expect(await registry.claims.approve(acme, operator, domain)).toMatchObject({ state: 'verified' })
      expect(await registryError(registry.claims.approve(acme, operator, domain))).toBe('conflict')
      expect(await registryError(registry.claims.approve(acme, operator, 'nobody.com'))).toBe('unknown')
    })

    test('when the first lets go, the next look verifies the second', async () => {
      const domain = await proved()
      publish(await registry.claims.claim(globex, rival, { domain }))
      expect(await registry.claims.check(globex, rival, domain)).toMatchObject({ state: 'contested' })
      await registry.domains.remove(acme, admin, domain)
      await days(1)
      expect(await stateOf(domain, globex)).toBe('verified')
    })

    test('of two that prove it in the same instant exactly one has it', async () => {
      for (let time = 0; time < 5; time++) {
        const domain = newDomain()
        const claims = [
          await registry.claims.claim(acme, admin, { domain }),
          await registry.claims.claim(globex, rival, { domain }),
        ]
        server.txt(nameOf(domain), ...claims.map(({ expected }) => expected ?? ''))
        const reports = await Promise.all([
          registry.claims.check(acme, admin, domain),
          registry.claims.check(globex, rival, domain),
        ])
        expect(reports.map(({ state }) => state).toSorted()).toEqual(['contested', 'verified'])
      }
    })
  })

  describe('D10: the first owner by proof', () => {
    /** As `provision` leaves it: a member, a domain that is verified by provisioning, and no owner. */
    async function ownerless(): Promise<{ tenant: Tenant; domain: string; actor: Actor; identity: Identity }> {
      const domain = newDomain()
      const identity = person(`first@${domain}`)
      const provisioning = await startReplica(fresh, {
        clock,
        dnsServer: server.address,
        config: { unmappedDomains: 'provision', provisionLimit: 1_000 },
      })
      const principal = await provisioning.principal(identity)
      expect(principal.role).toBe('member')
      return { tenant: principal.tenant, domain, actor: actorOf(principal), identity }
    }
    const roleOf = async (tenant: Tenant, { provider, sub }: Identity): Promise<string> =>
      (await registry.members.show(tenant, operator, `${provider}:${sub}`)).role

    test('the member who proves the tenant’s own domain becomes owner', async () => {
      const { tenant, domain, actor, identity } = await ownerless()
      const claim = await registry.claims.claim(tenant, actor, { domain })
      expect(claim).toMatchObject({ state: 'verified', verified_by: 'provision' })
      expect(await registry.claims.check(tenant, actor, domain)).toMatchObject({ verified_by: 'provision' })
      expect(await roleOf(tenant, identity)).toBe('member')
      publish(claim)
      clock.advance(10_000)
      expect(await registry.claims.check(tenant, actor, domain)).toMatchObject({ verified_by: 'dns' })
      expect(await roleOf(tenant, identity)).toBe('owner')
      await eventually(async () => (await replica.principal(identity)).role).toBe('owner')
      const [row] = await fresh.sql(
        `SELECT detail FROM gatehouse.audit WHERE tenant_id = $1 AND action = 'member.role_changed'`,
        [tenant.id],
      )
      expect(row).toEqual({ detail: { from: 'member', to: 'owner', by_proof_of: domain } })
    })

    test('another domain makes nobody owner: whoever has one could take a company over', async () => {
      const { tenant, actor } = await ownerless()
      expect(await registryError(registry.claims.claim(tenant, actor, { domain: newDomain() }))).toBe('forbidden')
      const boss = await member('admin', tenant)
      const own = newDomain()
      publish(await registry.claims.claim(tenant, boss, { domain: own }))
      expect(await registry.claims.check(tenant, boss, own)).toMatchObject({ state: 'verified' })
      expect((await registry.members.list(tenant, operator)).items.map(({ role }) => role)).not.toContain('owner')
    })

    test('a claim that an admin began is not one that a member can become owner by', async () => {
      const { tenant, actor } = await ownerless()
      const boss = await member('admin', tenant)
      const domain = newDomain()
      const claim = await registry.claims.claim(tenant, boss, { domain })
      expect(await registryError(registry.claims.claim(tenant, actor, { domain }))).toBe('forbidden')
      expect(await registry.claims.claim(tenant, boss, { domain })).toEqual(claim)
      publish(claim)
      expect(await registry.claims.check(tenant, boss, domain)).toMatchObject({ state: 'verified' })
      expect((await registry.members.list(tenant, operator)).items.map(({ role }) => role)).not.toContain('owner')
    })

    test('a record that was published for one makes no other owner', async () => {
      const { tenant, domain, actor, identity } = await ownerless()
      const second = person(`second@${domain}`)
      const other = actorOf(await replica.principal(second))
      const first = await registry.claims.claim(tenant, actor, { domain })
      expect((await registry.claims.claim(tenant, actor, { domain })).expected).toBe(first.expected)
      const theirs = await registry.claims.claim(tenant, other, { domain })
      expect(theirs.expected).not.toBe(first.expected)
      expect(await registryError(registry.claims.check(tenant, actor, domain))).toBe('forbidden')
      publish(first)
      expect(await registry.claims.check(tenant, other, domain)).toMatchObject({ problem: { code: 'wrong_token' } })
      publish(theirs)
      clock.advance(10_000)
      await registry.claims.check(tenant, other, domain)
      expect([await roleOf(tenant, identity), await roleOf(tenant, second)]).toEqual(['member', 'owner'])
    })

    test('with an owner there meanwhile the proof makes none', async () => {
      const { tenant, domain, actor, identity } = await ownerless()
      publish(await registry.claims.claim(tenant, actor, { domain }))
      await member('owner', tenant)
      clock.advance(MINUTE)
      await watch.tick()
      expect(await recordOf(domain, tenant)).toMatchObject({ verified_by: 'dns' })
      expect(await roleOf(tenant, identity)).toBe('member')
    })

    test('who was removed before the proof becomes nothing', async () => {
      const { tenant, domain, actor, identity } = await ownerless()
      publish(await registry.claims.claim(tenant, actor, { domain }))
      await registry.members.remove(tenant, operator, `${identity.provider}:${identity.sub}`)
      clock.advance(MINUTE)
      await watch.tick()
      expect(await recordOf(domain, tenant)).toMatchObject({ verified_by: 'dns' })
      const { items } = await registry.members.list(tenant, operator)
      expect(items.map(({ role, status }) => [role, status])).toEqual([['member', 'removed']])
    })

    test('a token that was narrowed, and a key, cannot begin it', async () => {
      const { tenant, domain, actor, identity } = await ownerless()
      if (actor.kind !== 'person') throw new Error('a person was meant')
      const narrow = { ...actor, principal: { ...actor.principal, scopes: new Set(['projects:read']) } }
      const key = {
        ...actor,
        principal: { ...actor.principal, identity: { ...identity, key: { id: 'k', tenant: tenant.slug } } },
      }
      for (const other of [narrow, key])
        expect(await registryError(registry.claims.claim(tenant, other, { domain }))).toBe('forbidden')
      expect(await registryError(registry.claims.claim(tenant, actor, { domain }))).toBe('done')
    })
  })

  describe('how people join', () => {
    test('is changed by an admin, whatever the state, within the second, and recorded', async () => {
      const domain = await proved()
      const record = await registry.claims.set(acme, admin, domain, {
        join_mode: 'request',
        default_role: 'viewer',
        include_subdomains: true,
        asserted_by: ['oidc', 'google', 'google'],
        allow_once: true,
      })
      expect(record).toMatchObject({
        join_mode: 'request',
        default_role: 'viewer',
        include_subdomains: true,
        asserted_by: ['oidc', 'google'],
        allow_once: true,
      })
      expect(record).toMatchObject((await recordOf(domain)) ?? { domain: 'not listed' })
      expect(await refusal(replica.principal(person(`x@eu.${domain}`)))).toBe('join_by_request')
      expect(await actions(domain)).toEqual(['domain.claimed', 'domain.verified', 'domain.changed'])
      await registry.claims.set(acme, admin, domain, { join_mode: 'request' })
      expect(await actions(domain)).toHaveLength(3)
      expect(await registryError(registry.claims.set(acme, admin, domain, { asserted_by: [] }))).toBe('invalid')
      expect(await registryError(registry.claims.set(globex, rival, domain, {}))).toBe('unknown')
    })
  })
})
