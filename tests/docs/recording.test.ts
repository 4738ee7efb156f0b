import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '#base/config-load.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { createLog } from '#base/log.ts'
import { packageRoot } from '#base/package.ts'
import { mintDevToken } from '#http/dev-token.ts'
import { createGatehouse, type Gatehouse } from '#http/gatehouse.ts'
import { welcome } from '../../src/cli/welcome.ts'
import { freePort } from '../http/stub-app.ts'
import { blocks, read } from './pages.ts'

const readme = read('README.md')
const [, session = ''] = /<!-- session -->\n```text\n([\s\S]*?)```/.exec(readme) ?? []
const steps = [...session.matchAll(/^\$ call (\S+) (\w+) '(.*)'\n(.+)$/gm)].map(
  ([, email = '', tool = '', args = '', answer = '']) => ({
    email,
    tool,
    args: JSON.parse(args) as Record<string, unknown>,
    answer: JSON.parse(`{${answer}}`) as { text?: string; message?: string },
  }),
)
const anyId = (text: string | undefined): string | undefined =>
  text?.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')

test('the README shows what a start prints', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-readme-'))
  const config = { ...loadConfig({}, { cwd: folder }), dataDir: join(packageRoot, '.gatehouse') }
  rmSync(folder, { recursive: true })
  const lines = welcome(config, packageRoot)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const shown = lines.slice(
    0,
    lines.findIndex((line) => line.includes('another terminal')),
  )
  expect(shown.length).toBeGreaterThan(7)
  expect(shown.filter((line) => !readme.includes(`${line}\n`))).toEqual([])
})

describe('the session in the README', () => {
  let gatehouse: Gatehouse
  let folder: string
  let url: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-readme-'))
    // The issuer must be known before the server listens.
    const port = String(await freePort())
    const config = ensureSessionSecret(loadConfig({ PORT: port }, { cwd: folder }))
    gatehouse = await createGatehouse(config, { log: createLog('silent') })
    await gatehouse.listen()
    url = config.publicUrl
  }, 60_000)
  afterAll(async () => {
    await gatehouse.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('answers as it is written, ids apart', async () => {
    expect(steps.length).toBeGreaterThan(4)
    for (const { email, tool, args, answer } of steps) {
      const token = await mintDevToken({ dataDir: join(folder, '.gatehouse'), publicUrl: url, email })
      const response = await fetch(`${url}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }),
      })
      const text = await response.text()
      const message = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as {
        result?: { content: { text: string }[] }
        error?: { message: string }
      }
      const said = { text: anyId(message.result?.content[0]?.text), message: message.error?.message }
      expect(said).toEqual({ text: anyId(answer.text), message: answer.message })
    }
  })

  test('and the curl commands of docs/clients/script.md are answered', async () => {
    const token = await mintDevToken({ dataDir: join(folder, '.gatehouse'), publicUrl: url, email: 'bob@globex.test' })
    const commands = blocks('docs/clients/script.md', 'sh').filter((text) => text.startsWith('curl '))
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      // curl itself may not be there: its words are carried out here.
      const words = [...command.replaceAll('\\\n', ' ').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
        ([, double, single, bare]) => double ?? single ?? bare ?? '',
      )
      const after = (option: string): string[] => words.filter((_, index) => words[index - 1] === option)
      const headers = after('-H').map(
        (header) => header.replace('$GATEHOUSE_KEY', token).split(/:\s*/, 2) as [string, string],
      )
      const address = words.find((word) => word.startsWith('https:'))?.replace('https://mcp.example.com', url) ?? ''
      const [body] = after('-d')
      const response = await fetch(address, body === undefined ? { headers } : { method: 'POST', headers, body })
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('development:bob')
    }
  })
})
