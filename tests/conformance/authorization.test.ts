import { expect, onTestFinished, test } from 'vitest'
import { startCompanyIssuer } from '../support/company-issuer.ts'
import { freePort, startGatehouse } from '../support/gatehouse.ts'
import { atCompany, createBrowser, register } from '../sign-in/walk.ts'
import { runAuthorizationSuite } from './authorization.ts'

test("both of the official suite's scenarios for an authorization server pass against our metadata and code grant", async () => {
  const port = await freePort()
  const company = await startCompanyIssuer({ publicUrl: `http://127.0.0.1:${port}` })
  const server = await startGatehouse({ kind: 'postgres', env: { ...company.env, PORT: String(port) } })
  onTestFinished(async () => {
    await server.close()
    await company.close()
  })
  const listener = await freePort()
  const clientId = await register(server.url, `http://127.0.0.1:${listener}/callback`, 'The conformance suite')
  const rows = await runAuthorizationSuite({
    issuer: server.url,
    clientId,
    resource: server.mcp,
    port: listener,
    async open(url) {
      const browser = createBrowser()
      const sent = await browser.press(await browser.visit(url), url, 'provider', 'oidc')
      const back = await atCompany(browser, new URL(sent.headers.get('location') ?? ''))
      const arrived = (await browser.visit(back)).headers.get('location') ?? ''
      await fetch(arrived)
    },
  })
  const table = rows.flatMap(({ scenario, checks }) =>
    checks.map(({ id, status, errorMessage }) => [scenario, id, status, errorMessage ?? '']),
  )
  console.table(table)
  expect(rows.map(({ scenario }) => scenario).toSorted()).toEqual([
    'authorization-code-grant',
    'authorization-server-metadata-endpoint',
  ])
  expect(table.filter(([, , status]) => status !== 'SUCCESS' && status !== 'WARNING' && status !== 'INFO')).toEqual([])
  expect(table.filter(([, , status]) => status === 'SUCCESS').length).toBeGreaterThanOrEqual(2)
}, 60_000)
