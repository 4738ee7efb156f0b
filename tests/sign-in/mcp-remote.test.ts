import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { startCompanyIssuer } from '../support/company-issuer.ts'
import { freePort, startGatehouse } from '../support/gatehouse.ts'
import { atCompany, createBrowser } from './walk.ts'

const PROXY = join(dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')), 'dist', 'proxy.js')

test('mcp-remote signs in against our server, and its tools are there', async () => {
  const port = await freePort()
  const company = await startCompanyIssuer({ publicUrl: `http://127.0.0.1:${port}` })
  const server = await startGatehouse({ kind: 'postgres', env: { ...company.env, PORT: String(port) } })
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-mcp-remote-'))
  // Instead of opening a browser on this machine.
  await writeFile(join(folder, 'xdg-open'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROXY, server.mcp, String(await freePort()), '--allow-http'],
    env: { PATH: `${folder}:/usr/bin:/bin`, HOME: folder, MCP_REMOTE_CONFIG_DIR: join(folder, 'store') },
    stderr: 'pipe',
  })
  onTestFinished(async () => {
    await transport.close()
    await server.close()
    await company.close()
    await rm(folder, { recursive: true, force: true })
  })

  const asked = new Promise<URL>((resolve) => {
    let said = ''
    transport.stderr?.on('data', (piece: Buffer) => {
      said += piece.toString()
      const [url] = /https?:\/\/\S+\/oauth\/authorize\?\S+/.exec(said) ?? []
      if (url !== undefined && /\S\s/.test(said.slice(said.indexOf(url) + url.length - 1))) resolve(new URL(url))
    })
  })
  const client = new Client({ name: 'test', version: '1' })
  const connected = client.connect(transport, { timeout: 30_000 })

  const url = await asked
  const browser = createBrowser()
  const sent = await browser.press(await browser.visit(url), url, 'provider', 'oidc')
  const back = await atCompany(browser, new URL(sent.headers.get('location') ?? ''))
  const arrived = await fetch((await browser.visit(back)).headers.get('location') ?? '')
  expect(arrived.status).toBe(200)

  await connected
  expect(await client.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
    structuredContent: { user_id: 'oidc:alice', tenant: { slug: 'acme_test' } },
  })
  await client.close()
}, 60_000)
