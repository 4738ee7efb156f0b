import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { returnPath } from '#console/return-path.ts'

const payloads = readFileSync(new URL('../vectors/oauth2-proxy/openredirects.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')

test.each([
  ['as they are', ''],
  ['after /console', '/console'],
  ['after /console/', '/console/'],
])('B1: the published open redirects, %s, lead nowhere else', (_how, before) => {
  expect(payloads.length).toBeGreaterThan(500)
  for (const payload of payloads) {
    const path = returnPath(`${before}${payload}`)
    const url = new URL(path, 'https://gatehouse.test')
    expect([payload, url.origin]).toEqual([payload, 'https://gatehouse.test'])
    expect(url.pathname).toMatch(/^\/console(?:\/|$)/)
    // As written: nothing that a browser would have to read in its own way.
    expect(`${url.pathname}${url.search}`).toBe(path)
  }
})

test('pages of the console are kept, with their query', () => {
  for (const path of ['/console', '/console/t/acme_test/members', '/console/keys?page=2&order=-name', '/console/a.b'])
    expect(returnPath(path)).toBe(path)
})

test('anything else is the front page', () => {
  const others = [
    '/consoles',
    '/mcp',
    '',
    'console',
    '//console',
    '/console//evil',
    '/console/..',
    '/console/../mcp',
    '/console/./x',
    '/console\\evil',
    '/console/\u0000',
    '/console/%2e%2e/mcp',
    '/console#x',
    '/console?a=//evil',
    '/console\r\nx: y',
    `/console/${'x'.repeat(600)}`,
    null,
    7,
  ]
  for (const path of others) expect([path, returnPath(path)]).toEqual([path, '/console'])
})
