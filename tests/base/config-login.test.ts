import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'

const login = (env: Record<string, string> = {}) => loadConfig(env, { dotenv: false }).login
const problems = (env: Record<string, string>): readonly string[] => {
  try {
    login(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('D27: without settings everybody may register, cursor is the only scheme, and a resource must be named', () => {
  expect(login()).toMatchObject({
    redirectSchemes: ['cursor'],
    allowedClients: [],
    blockedHosts: [],
    requireResource: true,
  })
})

test('lists are read in lower case, but for the path of a client_id', () => {
  expect(
    login({
      LOGIN_REDIRECT_SCHEMES: 'Cursor, vscode,com.acme.app',
      LOGIN_ALLOWED_CLIENTS: 'Claude.AI, localhost,CURSOR:,https://claude.ai/oauth/Client',
      LOGIN_BLOCKED_HOSTS: 'Evil.test,10.0.0.1',
      LOGIN_REQUIRE_RESOURCE: 'false',
    }),
  ).toMatchObject({
    redirectSchemes: ['cursor', 'vscode', 'com.acme.app'],
    allowedClients: ['claude.ai', 'localhost', 'cursor:', 'https://claude.ai/oauth/Client'],
    blockedHosts: ['evil.test', '10.0.0.1'],
    requireResource: false,
  })
  expect(login({ LOGIN_REDIRECT_SCHEMES: 'none' }).redirectSchemes).toEqual([])
})

test('D27: a scheme that opens more than an application stops the boot', () => {
  for (const scheme of [
    'javascript',
    'JavaScript',
    'data',
    'http',
    'https',
    'file',
    'vbscript',
    'ms-msdt',
    'cursor:',
    'cursor://',
    '1a',
    'a b',
  ])
    expect(problems({ LOGIN_REDIRECT_SCHEMES: `cursor,${scheme}` }), scheme).toEqual([
      expect.stringMatching(/^LOGIN_REDIRECT_SCHEMES: must be applications' own schemes/),
    ])
})

test('what would match nothing stops the boot instead of letting everybody in or nobody out', () => {
  for (const client of [
    'https://claude.ai',
    'http://claude.ai/x',
    'https://Claude.ai/x',
    'claude.ai/x',
    'claude.ai:443',
    '*',
  ])
    expect(problems({ LOGIN_ALLOWED_CLIENTS: client }), client).toHaveLength(1)
  for (const host of ['https://evil.test', 'evil.test/x', 'evil.test:443', '*.evil.test', '.evil.test'])
    expect(problems({ LOGIN_BLOCKED_HOSTS: host }), host).toHaveLength(1)
})
