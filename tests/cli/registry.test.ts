import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { environment, gatehouse, type Ran } from '../support/command.ts'

interface Row {
  readonly id: string
  readonly slug: string
  readonly status: string
  readonly [name: string]: unknown
}

describe.each(upperKinds)('%s', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    await run('tenant create acme')
  })
  afterAll(async () => await fresh.drop())

  const run = async (line: string | readonly string[]): Promise<Ran> => {
    return await gatehouse({ env: { ...environment(fresh), PORT: '3999', GOOGLE_CLIENT_ID: 'app' } }, line)
  }
  const atTerminal = async (line: string, input = ''): Promise<Ran> =>
    await gatehouse({ env: environment(fresh), isTTY: true }, line, input)
  const rows = async (line: string): Promise<readonly Row[]> => {
    const ran = await run(`${line} --json`)
    expect(ran.exit).toBe(0)
    return ran.json()
  }

  describe('tenant', () => {
    test('create makes one, list and show tell of it, as a table and as one JSON document', async () => {
      const made = await run(['tenant', 'create', 'globex', '--name', 'Globex Ltd', '--json'])
      expect(made).toMatchObject({ exit: 0, stderr: '' })
      const { tenant: version } = fresh.database.admin.required
      expect(made.json()).toMatchObject({
        slug: 'globex',
        name: 'Globex Ltd',
        status: 'active',
        schema_version: version,
      })
      expect(await rows('tenant list')).toContainEqual(made.json())
      expect((await run('tenant show globex --json')).json()).toEqual(made.json())
      const list = await run('tenant list')
      expect(list.stdout).toMatch(/^SLUG +NAME +STATUS/)
      expect(list.stdout).toMatch(/^globex +Globex Ltd +active/m)
      expect((await run('tenant show globex')).stdout).toMatch(/^name +Globex Ltd$/m)
    })

    test('suspend and resume, twice as well as once', async () => {
      for (const [verb, status] of [
        ['suspend', 'suspended'],
        ['suspend', 'suspended'],
        ['resume', 'active'],
        ['resume', 'active'],
      ])
        expect((await run(`tenant ${verb} acme --json`)).json()).toMatchObject({ slug: 'acme', status })
    })

    test('delete --now destroys nothing without --yes, everything with it, and the slug is never free again', async () => {
      await run('tenant create doomed')
      const asked = await run('tenant delete doomed --now')
      expect(asked).toMatchObject({ exit: 2, stdout: '' })
      expect(asked.stderr).toBe(
        'error: nothing was done. This deletes the tenant doomed and all its data, for good. Confirm with --yes.\n',
      )
      expect((await run('tenant show doomed --json')).json()).toMatchObject({ status: 'active' })
      const done = await run('tenant delete doomed --now --yes --json')
      expect(done.json()).toMatchObject({ status: 'deleted', deleted_at: expect.stringMatching(/Z$/) })
      expect(await run('tenant create doomed')).toMatchObject({ exit: 1, stdout: '' })
    })

    test('at a terminal delete asks for the slug, and anything else is a no', async () => {
      await run('tenant create asked')
      const no = await atTerminal('tenant delete asked --now', 'yes\n')
      expect(no).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('Type asked to go on') })
      expect((await run('tenant show asked --json')).json()).toMatchObject({ status: 'active' })
      expect(await atTerminal('tenant delete asked --now', 'asked\n')).toMatchObject({ exit: 0 })
      expect((await run('tenant show asked --json')).json()).toMatchObject({ status: 'deleted' })
    })

    test('delete says when it will be, the tenant works on, and keep takes it back', async () => {
      await run('tenant create waiting')
      const asked = await run('tenant delete waiting')
      expect(asked).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('In 7 days this deletes') })
      const began = Date.now()
      const done = await run('tenant delete waiting --yes --json')
      const record: { readonly delete_after: string } = done.json()
      const { delete_after: after } = record
      expect(record).toMatchObject({ status: 'active', delete_asked_by: expect.stringMatching(/^operator ./) })
      expect(Math.abs(Date.parse(after) - began - 7 * 86_400_000)).toBeLessThan(60_000)
      expect(done.stderr).toContain(`A running server deletes it after ${after}`)
      expect((await run('tenant show waiting')).stdout).toMatch(/^delete after +\S/m)
      // Asked once more it stays as it is.
      expect((await run('tenant delete waiting --yes --json')).json()).toMatchObject({ delete_after: after })
      expect((await run('tenant keep waiting --json')).json()).toMatchObject({
        status: 'active',
        delete_after: null,
        delete_asked_by: null,
      })
      expect(await run('tenant keep waiting')).toMatchObject({ exit: 0 })
      expect(await run('tenant keep nobody')).toMatchObject({ exit: 1, stdout: '' })
    })

    test('plan set, list, show and remove; tenant plan gives one and takes it away', async () => {
      await run('tenant create planned')
      expect((await run('plan list')).stderr).toContain('There are no plans')
      const made = await run('plan set basic --title Basic --calls-per-minute 60 --result-bytes 4096 --json')
      expect(made.json()).toMatchObject({ name: 'basic', title: 'Basic', calls_per_minute: 60, result_bytes: 4096 })
      const changed = await run('plan set basic --result-bytes default --keys 0 --json')
      expect(changed.json()).toMatchObject({ calls_per_minute: 60, result_bytes: null, keys: 0 })
      expect((await run('plan show basic')).stdout).toMatch(/^calls per minute +60$/m)
      expect((await run('tenant plan planned basic --json')).json()).toMatchObject({
        plan: 'basic',
        limits: { calls_per_minute: 60, keys: 0, call_seconds: null },
      })
      expect((await run('tenant show planned')).stdout).toMatch(/^limits +calls_per_minute=60,keys=0$/m)
      expect((await run('plan list')).stdout).toMatch(/^basic +Basic +1 +60 +default/m)
      expect(await run('plan remove basic --yes')).toMatchObject({ exit: 1, stdout: '' })
      expect((await run('tenant plan planned none --json')).json()).toMatchObject({ plan: null })
      expect(await run('plan set basic --call-seconds 301')).toMatchObject({ exit: 1, stdout: '' })
      expect(await run('plan set basic --call-seconds soon')).toMatchObject({ exit: 2, stdout: '' })
      expect(await run('plan remove basic')).toMatchObject({ exit: 2, stdout: '' })
      expect(await run('plan remove basic --yes')).toMatchObject({ exit: 0 })
    })

    test('settings are shown, and changed one at a time', async () => {
      await run('tenant create set')
      const off = { mcp_admin: false, operator_access: false }
      expect((await run('tenant settings set --json')).json()).toMatchObject(off)
      expect((await run('tenant settings set --mcp-admin on --json')).json()).toMatchObject({ ...off, mcp_admin: true })
      const both = await run('tenant settings set --operator-access off --mcp-admin off --json')
      expect(both.json()).toMatchObject({ mcp_admin: false, operator_access: false })
      expect((await run('tenant settings set')).stdout).toMatch(/^operator access +no$/m)
      expect(await run('tenant settings set --mcp-admin maybe')).toMatchObject({ exit: 2, stdout: '' })
      // D37: only an owner lets operators in.
      expect(await run('tenant settings set --operator-access on')).toMatchObject({ exit: 1, stdout: '' })
      expect(await run('tenant settings nobody --mcp-admin on')).toMatchObject({ exit: 1, stdout: '' })
    })

    test.each([
      'create Bad-Slug',
      'create acme',
      'show nobody',
      'suspend nobody',
      'resume nobody',
      'delete nobody --yes',
      'show nobody --json',
    ])('%s fails with one line and no answer', async (line) => {
      const ran = await run(`tenant ${line}`)
      expect(ran).toMatchObject({ exit: 1, stdout: '' })
      expect(ran.stderr).toMatch(/^error: .+\n$/)
    })
  })

  describe('domain', () => {
    test('add, list, remove', async () => {
      const added = await run(
        'domain add acme acme.com --asserted-by google,github --join request --role viewer --subdomains --allow-once --json',
      )
      expect(added.json()).toMatchObject({
        slug: 'acme',
        domain: 'acme.com',
        state: 'verified',
        verified_by: 'operator',
        asserted_by: ['google', 'github'],
        join_mode: 'request',
        default_role: 'viewer',
        include_subdomains: true,
        allow_once: true,
      })
      expect(await rows('domain list acme')).toEqual([added.json()])
      expect((await run('domain list acme')).stdout).toMatch(/^acme\.com +verified +google,github +request/m)
      const asked = await run('domain remove acme acme.com')
      expect(asked).toMatchObject({ exit: 2, stdout: '' })
      expect(asked.stderr).toContain('who joined by a subdomain, or by an address verified once, loses access')
      expect((await run('domain remove acme acme.com --yes --json')).json()).toEqual({
        slug: 'acme',
        domain: 'acme.com',
        removed: true,
      })
      expect(await rows('domain list acme')).toEqual([])
      expect(await run('domain list acme')).toMatchObject({ exit: 0, stdout: '', stderr: 'acme has no domains.\n' })
    })

    test('without --asserted-by every configured provider that vouches for people may, keys never', async () => {
      const added = (await run('domain add acme acme.org --json')).json() as { asserted_by: string[] }
      expect(added.asserted_by).toEqual(['google'])
      await run('domain remove acme acme.org --yes')
    })

    test.each<[string, number]>([
      ['add acme gmail.com --asserted-by google', 1],
      ['add acme co.uk --asserted-by google', 1],
      ['add nobody acme.org --asserted-by google', 1],
      ['add acme acme.org --asserted-by ,', 1],
      ['add acme acme.org --asserted-by google --join sometimes', 2],
      ['remove acme nothing.example --yes', 1],
      ['list nobody', 1],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`domain ${line}`)).toMatchObject({
        exit,
        stdout: '',
        stderr: expect.stringContaining('error: '),
      })
    })
  })

  describe('org', () => {
    test('add, list, remove', async () => {
      const added = await run('org add acme --issuer https://acme.eu.auth0.com/ --kind org_id --value org_1 --json')
      expect(added.json()).toMatchObject({
        slug: 'acme',
        iss: 'https://acme.eu.auth0.com/',
        kind: 'org_id',
        value: 'org_1',
      })
      expect(await rows('org list acme')).toEqual([added.json()])
      expect((await run('org list acme')).stdout).toContain('org_1')
      expect(await run('org remove acme org_1')).toMatchObject({ exit: 2 })
      expect(await run('org remove acme org_1 --yes')).toMatchObject({
        exit: 0,
        stdout: 'org_1 no longer belongs to acme.\n',
      })
      expect(await rows('org list acme')).toEqual([])
    })

    test.each<[string, number]>([
      ['add acme --issuer https://x/ --kind hd --value x', 2],
      ['add acme --issuer https://x/ --value x', 2],
      ['add nobody --issuer https://x/ --kind tid --value x', 1],
      ['remove acme org_none --yes', 1],
      ['list nobody', 1],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`org ${line}`)).toMatchObject({ exit, stdout: '', stderr: expect.stringContaining('error: ') })
    })
  })

  describe('member', () => {
    test('add by issuer and subject or by user id, change the role, revoke tokens, remove', async () => {
      const first = await run(
        'member add acme --issuer https://accounts.google.com --sub 1001 --role owner --email a@acme.com --json',
      )
      expect(first.json()).toMatchObject({
        slug: 'acme',
        user_id: 'google:1001',
        role: 'owner',
        status: 'active',
        source: 'operator',
      })
      expect((await run('member add acme https://accounts.google.com|1004 --json')).json()).toMatchObject({
        user_id: 'google:1004',
      })
      expect((await run('member add acme google:1002 --json')).json()).toMatchObject({
        iss: 'https://accounts.google.com',
        role: 'member',
      })
      expect((await run('member role acme google:1002 admin --json')).json()).toMatchObject({ role: 'admin' })
      const cut = await run('member revoke-tokens acme google:1002 --yes --json')
      expect(cut.json()).toMatchObject({ tokens_not_before: expect.stringMatching(/Z$/) })
      expect(await run('member remove acme google:1002')).toMatchObject({ exit: 2, stdout: '' })
      expect((await run('member remove acme google:1002 --yes --json')).json()).toMatchObject({ status: 'removed' })
      expect((await rows('member list acme')).map(({ user_id: user, status }) => [user, status])).toEqual([
        ['google:1001', 'active'],
        ['google:1004', 'active'],
        ['google:1002', 'removed'],
      ])
      expect((await run('member list acme')).stdout).toMatch(/^google:1001 +a@acme\.com +owner/m)
    })

    test('who asked to join is let in by giving them a role', async () => {
      const { id }: Row = (await run('member add acme google:1003 --json')).json()
      await fresh.sql(`UPDATE gatehouse.members SET status = 'requested' WHERE id = $1`, [id])
      expect((await run('member role acme google:1003 viewer --json')).json()).toMatchObject({
        status: 'active',
        role: 'viewer',
      })
    })

    test('the last owner stays', async () => {
      await run('tenant create lonely')
      await run('member add lonely google:1 --role owner')
      expect(await run('member remove lonely google:1 --yes')).toMatchObject({
        exit: 1,
        stderr: expect.stringContaining('last owner'),
      })
      expect(await run('member role lonely google:1 viewer')).toMatchObject({ exit: 1 })
    })

    test.each<[string, number]>([
      ['add acme', 2],
      ['add acme google:', 2],
      ['add acme nobody:1', 2],
      ['add acme --issuer https://unknown.example --sub 1', 2],
      ['add acme google:1 --sub 2', 2],
      ['add acme google:5 --role king', 2],
      ['add acme google:1001', 1],
      ['add nobody google:5', 1],
      ['role acme google:404 admin', 1],
      ['remove acme google:404 --yes', 1],
      ['revoke-tokens acme google:404 --yes', 1],
      ['list nobody', 1],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`member ${line}`)).toMatchObject({
        exit,
        stdout: '',
        stderr: expect.stringContaining('error: '),
      })
    })
  })

  describe('key', () => {
    test('create shows the key once: alone on stdout, or as a member of the document', async () => {
      const made = await run([
        'key',
        'create',
        'acme',
        '--name',
        'nightly',
        '--scopes',
        'projects:read,todos:read',
        '--expires',
        '90d',
        '--cidr',
        '203.0.113.0/24',
      ])
      expect(made.stdout).toMatch(/^gh_key_\w{12}_\w{43}_\w{8}\n$/)
      expect(made.stderr).not.toContain(made.stdout.trim())
      const id = made.stdout.slice(7, 19)
      const shown = await run(`key show acme ${id} --json`)
      expect(shown.json()).toMatchObject({
        id,
        slug: 'acme',
        name: 'nightly',
        scopes: ['projects:read', 'todos:read'],
        cidrs: ['203.0.113.0/24'],
        status: 'active',
      })
      expect(shown.stdout + (await run('key list acme')).stdout).not.toContain('gh_key_')
      expect(await rows('key list acme')).toContainEqual(shown.json())
      expect((await run('key create acme --json')).json()).toMatchObject({
        key: expect.stringMatching(/^gh_key_/),
        scopes: ['*'],
        role: 'member',
        expires_at: null,
      })
    })

    test('update changes what is given, rotate makes another, revoke ends it', async () => {
      const { id }: Row = (await run('key create acme --expires 1d --json')).json()
      expect((await run(`key update acme ${id} --name b --expires never --json`)).json()).toMatchObject({
        id,
        name: 'b',
        expires_at: null,
        scopes: ['*'],
      })
      const rotated: Row & { key: string } = (await run(`key rotate acme ${id} --overlap 1h --json`)).json()
      expect(rotated).toMatchObject({ name: 'b', key: expect.stringContaining(rotated.id) })
      expect((await run(`key show acme ${id} --json`)).json()).toMatchObject({
        status: 'active',
        rotated_to: rotated.id,
      })
      expect(await run(`key revoke acme ${rotated.id}`)).toMatchObject({ exit: 2, stdout: '' })
      expect((await run(`key revoke acme ${rotated.id} --yes --json`)).json()).toMatchObject({ status: 'revoked' })
      expect(await run(`key rotate acme ${rotated.id}`)).toMatchObject({ exit: 1, stdout: '' })
    })

    test('D23: a key whose maker was removed is adopted by the operators', async () => {
      const { id: member }: Row = (await run('member add acme google:2001 --json')).json()
      const { id }: Row = (await run('key create acme --name theirs --json')).json()
      await fresh.sql('UPDATE gatehouse.api_keys SET creator_member_id = $1 WHERE id = $2', [member, id])
      expect((await run(`key show acme ${id} --json`)).json()).toMatchObject({ creator: 'google:2001' })
      await run('member remove acme google:2001 --yes')
      const adopted = await run(`key adopt acme ${id} --json`)
      expect(adopted).toMatchObject({ exit: 0, stderr: '' })
      expect(adopted.json()).toMatchObject({ id, slug: 'acme', name: 'theirs', creator: null, role: 'member' })
      expect((await run(`key adopt acme ${id}`)).stdout).toMatch(/^creator +-$/m)
      const [last] = await rows('audit list acme --action key.adopted')
      expect(last).toMatchObject({ target: id, iss: 'operator' })
      await run(`key revoke acme ${id} --yes`)
      expect(await run(`key adopt acme ${id}`)).toMatchObject({ exit: 1, stdout: '' })
    })

    test.each<[string, number]>([
      ['adopt acme AAAAAAAAAAAA', 1],
      ['adopt nobody AAAAAAAAAAAA', 1],
      ['adopt acme', 2],
      ['create acme --scopes dragons:ride', 1],
      ['create acme --scopes tenant:owner', 1],
      ['create acme --role owner', 2],
      ['create acme --expires soon', 2],
      ['create acme --expires 2001-01-01', 1],
      ['create acme --cidr 10.0.0.0/99', 1],
      ['create nobody', 1],
      ['show acme AAAAAAAAAAAA', 1],
      ['update acme AAAAAAAAAAAA', 2],
      ['update acme AAAAAAAAAAAA --name x', 1],
      ['rotate acme AAAAAAAAAAAA --overlap long', 2],
      ['rotate acme AAAAAAAAAAAA', 1],
      ['revoke acme AAAAAAAAAAAA --yes', 1],
      ['list nobody', 1],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`key ${line}`)).toMatchObject({ exit, stdout: '', stderr: expect.stringContaining('error: ') })
    })
  })

  describe('audit', () => {
    test('list tells of every change, of a suspended tenant too, and never of a key or a MAC', async () => {
      await run('tenant create watched')
      const { key }: Row & { key: string } = (await run('key create watched --json')).json()
      const actions = (list: readonly Row[]) => list.map(({ action }) => action)
      const listed = await rows('audit list watched')
      expect(actions(listed)).toEqual(['audit.read', 'key.created', 'tenant.created'])
      expect(listed[1]).toMatchObject({
        slug: 'watched',
        iss: 'operator',
        outcome: 'ok',
        at: expect.stringMatching(/Z$/),
      })
      expect(JSON.stringify(listed)).not.toContain(key.slice(20))
      expect(listed[1]).not.toHaveProperty('mac')
      expect(actions(await rows('audit list watched --action key.created --since 1h --outcome ok'))).toEqual([
        'key.created',
      ])
      expect(actions(await rows('audit list'))).toEqual(expect.arrayContaining(['tenant.created', 'key.created']))
      expect((await run('audit list watched')).stdout).toMatch(/operator \S+ +key\.created/)
      expect(actions(await rows('audit list watched --action key.* --actor operator:nobody'))).toEqual([])
      expect(
        actions(await rows(`audit list watched --action key.* --target ${key.slice(7, 19)} --source admin`)),
      ).toEqual(['key.created'])
      await run('tenant suspend watched')
      const suspended = await run('audit list watched --json')
      expect(suspended).toMatchObject({
        exit: 3,
        stderr: expect.stringContaining('Only what the registry holds of watched'),
      })
      expect(actions(suspended.json())).toContain('tenant.suspended')
      await run('tenant resume watched')
    })

    test('export writes everything that matches to stdout, and is recorded', async () => {
      const csv = await run('audit export watched --action key.* --format csv')
      expect(csv).toMatchObject({ exit: 0, stderr: '' })
      const [header, row, ...more] = csv.stdout.split('\r\n')
      expect(header).toMatch(/^at,action,outcome,/)
      expect(row).toMatch(/^\d{4}-[^,]+Z,key\.created,ok,operator,/)
      expect(more).toEqual([''])
      const lines = (await run('audit export watched')).stdout.trimEnd().split('\n')
      const first: Row = JSON.parse(lines[1] ?? '')
      expect(first).toMatchObject({ action: 'audit.exported', detail: { format: 'csv', action: 'key.*' } })
      expect(await run('audit export nobody')).toMatchObject({ exit: 1, stdout: '' })
    })

    test.each([
      'audit list --actor operator:x',
      'audit list --action key.*',
      'audit export',
      'audit export watched --format xml',
    ])('%s is a wrong use', async (line) => {
      expect(await run(line)).toMatchObject({ exit: 2, stdout: '' })
    })

    test('verify is content with what was written, and finds what was altered', async () => {
      const verified = await run('audit verify --json')
      expect(verified.exit).toBe(0)
      expect(verified.json()).toContainEqual(expect.objectContaining({ slug: null, intact: true }))
      expect((await run('audit verify acme')).stdout).toMatch(/^acme +yes/m)
      await fresh.sql(`UPDATE gatehouse.audit SET target = 'somebody else' WHERE action = 'domain.added'`)
      const altered = await run('audit verify --json')
      expect(altered.exit).toBe(1)
      expect(altered.json()).toContainEqual(
        expect.objectContaining({ slug: null, intact: false, altered: [expect.any(String), expect.any(String)] }),
      )
    })

    test.each<[string, number]>([
      ['list nobody', 1],
      ['verify nobody', 1],
      ['list acme --since yesterday', 2],
      ['list acme --outcome perhaps', 2],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`audit ${line}`)).toMatchObject({ exit, stdout: '', stderr: expect.stringContaining('error: ') })
    })
  })

  describe('migrate and doctor', () => {
    test('migrate brings tenants up and says so', async () => {
      const { required } = fresh.database.admin
      expect(await run('migrate')).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining(`Every tenant is at version ${required.tenant}.`),
      })
      await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = 0 WHERE slug = 'acme'`)
      const ran = await run('migrate --json')
      expect(ran).toMatchObject({ exit: 0 })
      expect(ran.json()).toMatchObject({
        control_version: required.control,
        tenant_version: required.tenant,
        failed: [],
      })
    })

    test('migrate shows a bar at a terminal and plain lines elsewhere, and neither on stdout', async () => {
      const behind = async () =>
        await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = 0 WHERE slug IN ('acme', 'globex')`)
      await behind()
      const bar = await atTerminal('migrate')
      expect(bar.stderr).toMatch(/\[#{30}\] 2\/2/)
      await behind()
      const lines = await run('migrate')
      expect(lines.stderr).toMatch(/^2 of 2 tenants, .*\d\/s$/m)
      expect(lines.stderr).not.toContain('\u001b')
      const { tenant } = fresh.database.admin.required
      for (const { stdout } of [bar, lines])
        expect(stdout).toContain(`2 of 2 tenants were brought to version ${tenant}.`)
    })

    test('migrate leaves behind what fails, names it, goes on, and ends with 3', async () => {
      await run('tenant create broken')
      await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = 0 WHERE slug IN ('broken', 'acme')`)
      const [{ schema } = { schema: '' }] = await fresh.sql<{ schema: string }>(
        `SELECT schema FROM gatehouse.tenants WHERE slug = 'broken'`,
      )
      await fresh.sql(`UPDATE ${schema}.schema_migrations SET sha256 = 'another'`)
      const ran = await run('migrate --json')
      expect(ran).toMatchObject({ exit: 3, stderr: expect.stringContaining('failed: broken: ') })
      expect(ran.json()).toMatchObject({ failed: [{ slug: 'broken', schema, error: expect.any(String) }] })
      expect((await run('tenant show acme --json')).json()).toMatchObject({
        schema_version: fresh.database.admin.required.tenant,
      })
      await run('tenant delete broken --now --yes')
    })

    test('migrate status tells versions, who is behind and why, and that nothing runs', async () => {
      await run('tenant create stuck')
      await fresh.sql(`UPDATE gatehouse.tenants SET schema_version = 0 WHERE slug = 'stuck'`)
      const [{ schema } = { schema: '' }] = await fresh.sql<{ schema: string }>(
        `SELECT schema FROM gatehouse.tenants WHERE slug = 'stuck'`,
      )
      await fresh.sql(`UPDATE ${schema}.schema_migrations SET sha256 = 'another'`)
      const plan = await run('migrate --dry-run --json')
      expect(plan.json()).toMatchObject({ tenants: [{ placement: 'default', version: 0, tenants: 1 }] })
      expect(await run('migrate --only stuck')).toMatchObject({ exit: 3 })
      const { required } = fresh.database.admin
      expect((await run('migrate status --json')).json()).toMatchObject({
        control: { version: required.control, required: required.control },
        tenant: { required: required.tenant },
        behind_in_all: 1,
        behind: [{ slug: 'stuck', version: 0, served: false }],
        failures: [
          { slug: 'stuck', file: '0001_data.sql', error: expect.stringContaining('was changed'), sqlstate: null },
        ],
        runs: expect.arrayContaining([expect.objectContaining({ running: false, total: 1, done: 0, failed: 1 })]),
      })
      const told = await run('migrate status')
      expect(told.stdout).toMatch(/^default +0 +1 +no: 503$/m)
      expect(told.stderr).toMatch(/^failed .*: stuck: 0001_data\.sql: .*was changed/m)
      expect(await run('migrate --only nobody')).toMatchObject({
        exit: 1,
        stderr: expect.stringContaining('there is no tenant nobody'),
      })
      await run('tenant delete stuck --now --yes')
    })

    test('doctor tells of the database and its wall', async () => {
      const ran = await run('doctor --json')
      const { findings }: { findings: readonly { check: string; status: string; detail: string }[] } = ran.json()
      const of = (check: string) => findings.filter((finding) => finding.check === check)
      expect(of('database')).toMatchObject([{ status: 'ok', detail: expect.stringContaining(kind) }])
      expect(of('migrations')).toMatchObject([{ status: 'ok' }])
      expect(of('wall')).toMatchObject([{ detail: expect.stringMatching(/^(hardened|guarded): /) }])
      expect(of('data dir')).toMatchObject([{ status: 'ok' }])
    })

    test.each(['migrate --workers 0', 'migrate --workers many', 'doctor --colour', 'migrate now'])(
      '%s is a usage error',
      async (line) => {
        expect(await run(line)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('error: ') })
      },
    )
  })
})

test('a Postgres that was never migrated is told apart from one that is away', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  await fresh.sql('DROP SCHEMA gatehouse CASCADE')
  const shell = { env: environment(fresh) }
  const told = { exit: 1, stdout: '', stderr: expect.stringContaining('run `gatehouse migrate` first') }
  expect(await gatehouse(shell, 'tenant list')).toMatchObject(told)
  expect((await gatehouse(shell, 'doctor')).stdout).toMatch(/^FAIL +database +.*never migrated/m)
  expect(await gatehouse(shell, 'migrate')).toMatchObject({ exit: 0 })
  expect(await gatehouse(shell, 'tenant list --json')).toMatchObject({ exit: 0, stdout: '[]\n' })
  await fresh.drop()
  const away = await gatehouse(
    { env: { ...shell.env, DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x' } },
    'tenant list',
  )
  expect(away).toMatchObject({
    exit: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error: the database cannot be reached/),
  })
  expect(away.stderr).not.toContain('hunter2')
})
