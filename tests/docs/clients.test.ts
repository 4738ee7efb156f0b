import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { clients } from '#base/clients.ts'
import { packageRoot } from '#base/package.ts'
import { blocks, pages, read } from './pages.ts'

const URL = 'https://mcp.example.com/mcp'
const INDEX = 'docs/clients/README.md'
const OPENING = '<!-- clients: written by `npx vitest run tests/docs -u` from the table in src/base/clients.ts -->'
const CLOSING = '<!-- /clients -->'
const LANGUAGES = ['sh', 'json', 'toml', 'text']

function table(): string {
  const rows = clients.map(({ name, page, calls, client_metadata, registers, own_client, header }) => {
    const known = [...(client_metadata === null ? [] : ['its document']), ...(registers ? ['registering'] : [])]
    return [
      `[${name}](${basename(page)})`,
      calls === 'cloud' ? 'its vendor’s network' : 'your machine',
      known.length === 0 ? 'no sign-in' : known.join(', '),
      own_client,
      header ? 'yes' : 'no',
    ]
  })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(['client', 'calls from', 'is known by', 'own client', 'API key']),
    '|---|---|---|---|---|',
    ...rows.map(line),
  ].join('\n')
}

test('docs/clients/README.md lists the clients as the program knows them', async () => {
  const page = read(INDEX)
  const [before = '', after = ''] = [page.split(OPENING)[0], page.split(CLOSING)[1]]
  expect(page).toContain(OPENING)
  await expect(`${before}${OPENING}\n\n${table()}\n\n${CLOSING}${after}`).toMatchFileSnapshot(join(packageRoot, INDEX))
})

test.each(clients)('the page of $name shows what the program would say to paste, and nothing else', (client) => {
  const shown = LANGUAGES.flatMap((language) => blocks(client.page, language).map((text) => ({ language, text })))
  const told = client.snippets(URL).map(({ language, text }) => ({ language, text: `${text}\n` }))
  // The question who a token is goes to the REST side, which is no client's business.
  const extra = client.id === 'script' ? shown.filter(({ text }) => text.includes('/api/v1/whoami')) : []
  const key = ({ language, text }: { language: string; text: string }): string => `${language} ${text}`
  expect(new Set(shown.filter((block) => !extra.includes(block)).map(key))).toEqual(new Set(told.map(key)))
})

test.each(clients)('the page of $name names every redirect URI that it may be called back at', (client) => {
  const page = read(client.page)
  expect(client.redirect_uris.filter((uri) => !page.includes(`\`${uri}\``))).toEqual([])
})

test('there is no page of a client that the program does not know', () => {
  const known = new Set([INDEX, ...clients.map(({ page }) => page)])
  expect(pages.filter((page) => page.startsWith('docs/clients/') && !known.has(page))).toEqual([])
})

test('every picture is shown somewhere and small', () => {
  const shown = [...read(INDEX).matchAll(/\((\w[\w-]*\.png)\)/g)].map(([, name = '']) => name)
  expect(new Set(shown)).toEqual(
    new Set([
      'connect-light.png',
      'connect-dark.png',
      'connect-phone.png',
      'sign-in-light.png',
      'sign-in-dark.png',
      'error.png',
    ]),
  )
  for (const name of shown) {
    const path = join(packageRoot, 'docs/clients', name)
    expect(existsSync(path), name).toBe(true)
    expect(statSync(path).size, name).toBeLessThan(150_000)
  }
})
