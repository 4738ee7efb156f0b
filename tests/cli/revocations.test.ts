import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment, gatehouse, type Ran } from '../support/command.ts'
import { upperKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'

const DAY = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-revocations-'))
afterAll(() => rmSync(folder, { recursive: true }))

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Nobody judges it here: what counts is what it says of itself. */
const jwt = (claims: object): string => `${segment({ alg: 'ES256' })}.${segment(claims)}.${'A'.repeat(86)}`
/** Of a JWT what is signed, without the signature. */
const digestOf = (token: string): string => {
  const signed = token.split('.').length === 3 ? token.slice(0, token.lastIndexOf('.')) : token
  return createHash('sha256').update(signed).digest('hex')
}

interface Listed {
  readonly digest?: string
  readonly sub?: string
  readonly until?: string
}

describe.each(upperKinds)('%s', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
  })
  afterAll(async () => await fresh.drop())

  const run = async (line: string | readonly string[], input = ''): Promise<Ran> =>
    await gatehouse({ env: { ...environment(fresh), GOOGLE_CLIENT_ID: 'app' }, cwd: folder }, line, input)
  const rows = async (line: string): Promise<readonly Listed[]> => {
    const ran = await run(`${line} --json`)
    expect(ran.exit).toBe(0)
    return ran.json()
  }

  describe('token', () => {
    test('D22: revoke keeps the digest of a token until its exp, and never the token', async () => {
      const exp = Math.floor(Date.now() / 1000) + 3600
      const token = jwt({ iss: 'https://issuer.test', sub: 'mallory', exp })
      const ran = await run(['token', 'revoke', '--reason', 'laptop stolen', '--json'], `Bearer ${token}\n`)
      expect(ran).toMatchObject({ exit: 0, stderr: '' })
      expect(ran.json()).toEqual({
        id: expect.any(String),
        digest: digestOf(token),
        reason: 'laptop stolen',
        created_at: expect.stringMatching(/Z$/),
        until: new Date(exp * 1000).toISOString(),
      })
      expect(await rows('token revocations')).toContainEqual(ran.json())
      const list = await run('token revocations')
      expect(list.stdout).toMatch(/^ID +DIGEST +REASON +REVOKED +UNTIL/)
      expect(list.stdout).toContain(digestOf(token))
      expect(JSON.stringify(await rows('audit list --action token.revoked'))).not.toContain(token.split('.')[1])
    })

    test('it says to people whose token that was and what became of it; again changes nothing', async () => {
      const token = jwt({ iss: 'https://issuer.test', sub: 'twice\u001b[2J', exp: 4_000_000_000 })
      writeFileSync(join(folder, 'token.txt'), token)
      const first = await run('token revoke token.txt')
      expect(first.stderr).toContain('The token says it is of https://issuer.test|twice\uFFFD[2J.\n')
      expect(first.stderr).toContain('refused everywhere from now on')
      expect(first.stdout).toMatch(new RegExp(`^digest +${digestOf(token)}$`, 'm'))
      expect((await run('token revoke token.txt --reason later --json')).json()).toMatchObject({ reason: null })
      expect((await rows('token revocations')).filter(({ digest }) => digest === digestOf(token))).toHaveLength(1)
      expect(first.stdout + first.stderr).not.toContain(token.split('.')[1])
    })

    test('an opaque token does not say when it ends and is refused for 400 days', async () => {
      const { until = '' }: Listed = (await run('token revoke --json', 'gho_0123456789abcdef')).json()
      expect(Math.abs(Date.parse(until) - Date.now() - 400 * DAY)).toBeLessThan(60_000)
    })

    test.each<[string, object, string]>([
      ['beyond every calendar', { exp: 1e300 }, '9999-12-31T23:59:59.999Z'],
      ['missing', {}, '9999-12-31T23:59:59.999Z'],
      ['no number', { exp: 'soon' }, '9999-12-31T23:59:59.999Z'],
      ['before all time', { exp: -1e300 }, '1970-01-01T00:00:00.000Z'],
    ])('an exp that is %s never makes the refusal shorter than the token', async (sub, claims, until) => {
      expect((await run('token revoke --json', jwt({ sub, ...claims }))).json()).toMatchObject({ until })
    })

    test.each<[string, string, number, string]>([
      ['nothing', '', 2, 'there is no token on standard input'],
      ['two tokens', 'abc def', 2, 'not a whole token'],
      ['the whole answer of a token endpoint', '{"access_token":"abc"}', 2, 'not a whole token'],
      ['half a JWT', jwt({ sub: 'half' }).slice(0, 40).concat('..'), 2, 'not a whole token'],
      ['an API key', `gh_key_${'a'.repeat(12)}_${'b'.repeat(43)}_${'0'.repeat(8)}`, 2, 'key revoke <slug>'],
    ])('revoke of %s does nothing and says why', async (_, input, exit, why) => {
      const before = await rows('token revocations')
      const ran = await run('token revoke', input)
      expect(ran).toMatchObject({ exit, stdout: '', stderr: expect.stringContaining(why) })
      expect(ran.stderr).toMatch(/^error: [^\n]+\n$/)
      if (input !== '') expect(ran.stderr).not.toContain(input)
      expect(await rows('token revocations')).toEqual(before)
    })

    test('a file that is not there, and a token on the command line', async () => {
      expect(await run('token revoke nothing.txt')).toMatchObject({ exit: 1, stdout: '' })
      const token = jwt({ sub: 'seen' })
      const ran = await run(['token', 'revoke', token])
      expect(ran).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('treat it as leaked') })
      expect(ran.stderr).not.toContain(token)
      expect((await rows('token revocations')).map(({ digest }) => digest)).not.toContain(digestOf(token))
    })

    test.each(['token revocations now', 'token restore x', 'token revoke a b'])('%s is a usage error', async (line) => {
      expect(await run(line)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('error: ') })
    })
  })

  describe('person', () => {
    test('D22: block needs a yes, list shows who is blocked, unblock lets them in again', async () => {
      expect(await run('person list')).toMatchObject({ exit: 0, stdout: '', stderr: 'Nobody is blocked.\n' })
      expect(await run('person block google:1001')).toMatchObject({
        exit: 2,
        stdout: '',
        stderr:
          'error: nothing was done. google:1001 and the keys they made lose all access, in every tenant. Confirm with --yes.\n',
      })
      expect(await rows('person list')).toEqual([])
      const ran = await run(['person', 'block', 'google:1001', '--reason', 'left at night', '--yes', '--json'])
      expect(ran).toMatchObject({ exit: 0, stderr: '' })
      expect(ran.json()).toEqual({
        id: expect.any(String),
        iss: 'https://accounts.google.com',
        sub: '1001',
        reason: 'left at night',
        created_at: expect.stringMatching(/Z$/),
      })
      expect(await rows('person list')).toEqual([ran.json()])
      expect((await run('person list')).stdout).toMatch(/^\S+ +https:\/\/accounts\.google\.com +1001 +left at night/m)
      expect(await rows('token revocations')).not.toContainEqual(expect.objectContaining({ sub: '1001' }))
      expect((await run('person unblock google:1001 --json')).json()).toEqual({
        iss: 'https://accounts.google.com',
        sub: '1001',
        blocked: false,
      })
      expect(await rows('person list')).toEqual([])
      expect(await run('person unblock google:1001')).toMatchObject({
        exit: 1,
        stdout: '',
        stderr: 'error: this person is not blocked\n',
      })
    })

    test('iss|sub names anybody, with bars in the subject too; an issuer that nobody speaks for is told of', async () => {
      const stranger = await run('person block https://acme.auth0.com/|auth0|62b --yes --json')
      expect(stranger.json()).toMatchObject({ iss: 'https://acme.auth0.com/', sub: 'auth0|62b', reason: null })
      expect(stranger.stderr).toBe(
        'warning: no configured provider has the issuer https://acme.auth0.com/; it counts byte for byte\n',
      )
      const known = await run('person block https://accounts.google.com|1002 --yes')
      expect(known).toMatchObject({ exit: 0, stderr: '', stdout: expect.stringMatching(/^sub +1002$/m) })
      expect(await run('person unblock google:1002')).toMatchObject({
        exit: 0,
        stdout: 'google:1002 is no longer blocked.\n',
      })
      expect(await run('person unblock https://acme.auth0.com/|auth0|62b')).toMatchObject({ exit: 0 })
    })

    test('at a terminal block asks for the person, and anything else is a no', async () => {
      const shell = { env: { ...environment(fresh), GOOGLE_CLIENT_ID: 'app' }, isTTY: true }
      expect(await gatehouse(shell, 'person block google:7', 'y\n')).toMatchObject({ exit: 2, stdout: '' })
      expect(await gatehouse(shell, 'person block google:7', 'google:7\n')).toMatchObject({ exit: 0 })
      expect((await rows('person list')).map(({ sub }) => sub)).toEqual(['7'])
      await run('person unblock google:7')
    })

    test.each<[string, number]>([
      ['block', 2],
      ['block alice@acme.test --yes', 2],
      ['block nobody:1 --yes', 2],
      ['block google: --yes', 2],
      ['block https://accounts.google.com --yes', 2],
      ['block https://accounts.google.com| --yes', 2],
      [`block google:${'1'.repeat(300)} --yes`, 1],
      ['unblock google:404', 1],
      ['unblock nobody:1', 2],
      ['list all', 2],
    ])('%s: exit %i and no answer', async (line, exit) => {
      expect(await run(`person ${line}`)).toMatchObject({
        exit,
        stdout: '',
        stderr: expect.stringContaining('error: '),
      })
      expect(await rows('person list')).toEqual([])
    })
  })
})
