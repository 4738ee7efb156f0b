import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { expect, test } from 'vitest'
import { appRole, assertSchema, ROLE, schemaName } from '#db/names.ts'
import { scramVerifier } from '#db/scram.ts'

test('a schema is named after the slug, behind the prefix of its database', () => {
  expect(schemaName('acme_com')).toBe('tenant_acme_com')
  expect(schemaName('acme', 'blue_')).toBe('tenant_blue_acme')
  expect(schemaName('a'.repeat(41), 'p'.repeat(14))).toHaveLength(62)
})

test.each(['', 'Acme', '1st', '_a', 'a-b', 'a b', 'a;', 'a\n', ' a', 'a'.repeat(42)])('%j is no slug', (slug) => {
  expect(() => schemaName(slug)).toThrow(TypeError)
})

test.each(['Blue_', '1_', '_', 'a-', 'a;', 'a\n', ' a', 'p'.repeat(15)])('%j is no prefix', (prefix) => {
  const problem = expect.objectContaining({
    problems: ['DATABASE_SLUG_PREFIX: must match ^([a-z][a-z0-9_]{0,13})?$'],
  })
  expect(() => schemaName('acme', prefix)).toThrow(problem)
  expect(() => appRole(prefix)).toThrow(problem)
})

test('the login role is one per prefix', () => {
  expect(['', 'blue_', 'blue', 'blue__'].map(appRole)).toEqual([
    'gatehouse_app',
    'gatehouse_app_blue',
    'gatehouse_app_blue',
    'gatehouse_app_blue_',
  ])
  expect(ROLE).toEqual({
    owner: 'gatehouse_owner',
    resolver: 'gatehouse_resolver',
    desk: 'gatehouse_desk',
    operator: 'gatehouse_operator',
  })
})

test('a schema that goes into a statement as it is is one of ours, short and in need of no quotes', () => {
  for (const schema of ['tenant_a', 'tenant_acme_com', `tenant_${'x'.repeat(56)}`])
    expect(() => assertSchema(schema)).not.toThrow()
  for (const schema of [
    'tenant_',
    'tenant_A',
    'tenant_1',
    'tenant_a;',
    'tenant_a b',
    'tenant_a\n',
    ' tenant_a',
    'x_tenant_a',
    'gatehouse',
    `tenant_${'x'.repeat(57)}`,
  ])
    expect(() => assertSchema(schema)).toThrow(TypeError)
})

test('a verifier is what Postgres computes of the password, under a salt of its own each time', () => {
  const verifier = scramVerifier('pa\u00DF \u2168')
  const [, count = '', salt = '', stored, server] =
    /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/.exec(verifier) ?? []
  expect(Buffer.from(salt, 'base64')).toHaveLength(16)
  // RFC 5802 section 3; the password in NFKC, where the sign for nine is two letters.
  const salted = pbkdf2Sync('pa\u00DF IX', Buffer.from(salt, 'base64'), Number(count), 32, 'sha256')
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  expect([count, stored, server]).toEqual([
    '4096',
    createHash('sha256').update(hmac('Client Key')).digest('base64'),
    hmac('Server Key').toString('base64'),
  ])
  expect(scramVerifier('x')).not.toBe(scramVerifier('x'))
})
