import { describe, expect, test } from 'vitest'
import type { Tenant } from '#tenancy/tenant.ts'
import { InvalidArguments } from '#toolkit/arguments.ts'
import { createStateSeal, type StateBinding } from '#toolkit/request-state.ts'
import { identityOf, principalOf, SECRET } from './desk.ts'

const tenant = { id: 'tenant-1', slug: 'acme' } as Tenant
let now = 1_700_000_000_000
const clock = { now: () => now }
const seal = createStateSeal({ issuer: 'https://mcp.example.com', secrets: [SECRET], clock })
const binding: StateBinding = {
  principal: principalOf(tenant, 'member', []),
  method: 'tools/call',
  name: 'rename',
  args: { id: '1', to: 'x' },
}
const key = { ...identityOf('alice'), key: { id: 'key-1', tenant: 'tenant-1' } }

test('D34: a request state comes back as it was, whatever the order of the arguments, and says nothing to who carries it', () => {
  const text = seal.seal({ step: 2, name: 'Ann' }, binding)
  expect(seal.open(text, { ...binding, args: { to: 'x', id: '1' } })).toEqual({ step: 2, name: 'Ann' })
  expect(Buffer.from(text.slice(3), 'base64url').toString('latin1')).not.toContain('Ann')
  expect(seal.seal(1, binding)).not.toBe(seal.seal(1, binding))
})

describe('D34: a request state opens for nobody and nothing else', () => {
  test.each<[string, Partial<StateBinding>]>([
    ['another person', { principal: { ...binding.principal, identity: identityOf('bob') } }],
    [
      'a person of the same name elsewhere',
      { principal: { ...binding.principal, identity: { ...identityOf('alice'), iss: 'https://x.test' } } },
    ],
    ['a key of the person', { principal: { ...binding.principal, identity: key } }],
    ['the person in another tenant', { principal: { ...binding.principal, tenant: { ...tenant, id: 'tenant-2' } } }],
    ['another tool', { name: 'remove' }],
    ['another method', { method: 'prompts/get' }],
    ['other arguments', { args: { id: '2', to: 'x' } }],
  ])('%s', (_, other) => {
    expect(() => seal.open(seal.seal('state', binding), { ...binding, ...other })).toThrow(InvalidArguments)
  })
})

test('D34: a request state lives for 10 minutes', () => {
  const text = seal.seal('state', binding)
  now += 599_999
  expect(seal.open(text, binding)).toBe('state')
  now += 1
  expect(() => seal.open(text, binding)).toThrow('Invalid or expired requestState')
  now -= 600_000 + 30_001
  expect(() => seal.open(text, binding)).toThrow('Invalid or expired requestState')
  now += 30_001
})

test('D34: a request state changed in any place, cut or spelled otherwise is refused', () => {
  const text = seal.seal({ admin: false }, binding)
  for (let at = 0; at < text.length; at += 1) {
    const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    expect(() => seal.open(changed, binding), String(at)).toThrow(InvalidArguments)
  }
  for (const other of ['', 'v1.', text.slice(0, -1), `${text}=`, `${text} `, text.replace('v1', 'v2'), `${text}AAAA`])
    expect(() => seal.open(other, binding), other).toThrow(InvalidArguments)
})

test('D25: the first secret seals and every secret of the list opens; one that left the list does not', () => {
  const old = createStateSeal({ issuer: 'https://mcp.example.com', secrets: ['old secret '.repeat(4)], clock })
  const both = createStateSeal({ issuer: 'https://mcp.example.com', secrets: [SECRET, 'old secret '.repeat(4)], clock })
  expect(both.open(old.seal('state', binding), binding)).toBe('state')
  expect(seal.open(both.seal('state', binding), binding)).toBe('state')
  expect(() => seal.open(old.seal('state', binding), binding)).toThrow(InvalidArguments)
})
