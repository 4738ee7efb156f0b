import { expect, test } from 'vitest'
import { resourceOf } from '#login/resource.ts'

const PUBLIC = 'https://mcp.test'

test('D26: the plain resource and that of any tenant; case in the host and one trailing slash are forgiven', () => {
  for (const text of ['https://mcp.test/mcp', 'https://mcp.test/mcp/', 'https://MCP.Test/mcp', 'HTTPS://mcp.test/mcp'])
    expect(resourceOf(text, PUBLIC), text).toBe('https://mcp.test/mcp')
  for (const text of ['https://mcp.test/t/acme_com/mcp', 'https://mcp.TEST/t/acme_com/mcp/'])
    expect(resourceOf(text, PUBLIC), text).toBe('https://mcp.test/t/acme_com/mcp')
  expect(resourceOf('http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000')).toBe('http://127.0.0.1:3000/mcp')
})

test('D26: all else is another resource', () => {
  for (const text of [
    '',
    'https://mcp.test',
    'https://mcp.test/',
    'https://mcp.test/MCP',
    'https://mcp.test/mcp//',
    'https://mcp.test/mcp/x',
    'https://mcp.test/mcp?x',
    'https://mcp.test/mcp#',
    'https://mcp.test:443/mcp',
    'http://mcp.test/mcp',
    'https://evil.test/mcp',
    'https://u@mcp.test/mcp',
    'https://mcp.test@evil.test/mcp',
    'https://mcp.test\\/mcp',
    'https://mcp.test./mcp',
    '//mcp.test/mcp',
    'https://mcp.test/t/Acme/mcp',
    'https://mcp.test/t//mcp',
    'https://mcp.test/t/1a/mcp',
    'https://mcp.test/t/a%2fb/mcp',
    'https://mcp.test/t/../mcp',
    'https://mcp.test/t/a/b/mcp',
    'https://mcp.test/t/acme/',
    'https://mcp.test/x/../mcp',
    'https://mcp.test/mcp\n',
    '\nhttps://mcp.test/mcp',
    'https://mcp.test/mcp\r\nx: y',
    `https://mcp.test/t/${'a'.repeat(42)}/mcp`,
  ])
    expect(resourceOf(text, PUBLIC), text).toBeNull()
})
