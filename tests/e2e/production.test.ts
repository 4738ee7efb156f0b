import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { atCluster, CLUSTER_PASSWORD, POSTGRES_15, query, withCluster } from '../support/cluster.ts'
import { freePort } from '../support/gatehouse.ts'
import { gatehouse, startReplica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** As on a managed server: the administrator may make roles and create in the one database, and is no superuser. */
async function inProduction(bin: string): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'production-'))
  await withCluster(bin, async (socket) => {
    const at = atCluster(socket)
    await query(
      at('postgres', 'postgres'),
      `CREATE ROLE gatehouse_admin LOGIN CREATEROLE PASSWORD '${CLUSTER_PASSWORD}'`,
      'CREATE DATABASE gatehouse',
      'GRANT CREATE ON DATABASE gatehouse TO gatehouse_admin',
    )
    const port = String(await freePort())
    const key = randomBytes(32).toString('hex')
    const env = {
      NODE_ENV: 'production',
      PORT: port,
      HOST: '127.0.0.1',
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DATABASE_URL: at('gatehouse_admin', 'gatehouse'),
      DATA_DIR: dataDir,
      SESSION_SECRET: randomBytes(32).toString('hex'),
      API_KEY: key,
      API_KEY_TENANT: 'acme',
    }
    const server = await startReplica(env, { ready: false })
    try {
      // Not migrated: alive, not ready, and nobody is judged.
      expect((await fetch(`${server.url}/livez`)).status).toBe(200)
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
      expect((await rpc(server.mcp, key, 'tools/list')).status).toBe(503)
      // The development sign-in is not there.
      expect((await fetch(`${server.url}/dev/.well-known/openid-configuration`)).status).toBe(404)

      expect(await gatehouse(['migrate'], env)).toMatchObject({ code: 0 })
      await until(async () => (await fetch(`${server.url}/readyz`)).ok, 15_000)
      expect(await gatehouse(['tenant', 'create', 'acme', '--json'], env)).toMatchObject({ code: 0 })
      const made = async (): Promise<string> =>
        (await rpc(server.mcp, key, 'tools/call', { name: 'create_project', arguments: { name: 'Apollo' } })).text
      await until(async () => (await made()).includes('"structuredContent"'))
      expect((await gatehouse(['doctor'], env)).stdout).toContain('guarded')
      expect(await server.end('SIGTERM')).toBe(0)
      expect(server.output()).not.toContain(key)
      expect(server.output()).not.toContain(env.SESSION_SECRET)
      // In production there is no welcome, only log lines.
      for (const line of server.output().trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
    } finally {
      await server.end('SIGKILL')
    }
  })
  await rm(dataDir, { recursive: true, force: true })
}

test('serve and migrate do with an administrator who is no superuser, on the newest Postgres', async () => {
  await expect(inProduction(inject('pg').bin)).resolves.toBeUndefined()
}, 60_000)

test.each(POSTGRES_15 === null ? [] : [POSTGRES_15])('the same on Postgres 15 (%s)', inProduction, 60_000)
