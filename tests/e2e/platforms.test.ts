import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { atCluster, CLUSTER_PASSWORD, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { inContainer, whyNoContainer } from '../support/container.ts'
import { freePort } from '../support/free-port.ts'
import { image, platforms, type Platform } from '../support/platforms.ts'
import { rpc, type RpcAnswer } from '../support/rpc.ts'
import { until } from '../support/until.ts'

if (whyNoContainer !== null)
  console.log(`platforms: started as ordinary processes, not read-only and as this user: ${whyNoContainer}`)
const six = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1') === true)
if (!six) console.log('platforms: this machine has no IPv6, so only IPv4 is asked')

/** Beside the proxy's own networks, so that both kinds of peer can be had on loopback. */
const TRUSTED = '127.0.0.7'
const STRANGER = '127.0.0.8'

interface Ended {
  readonly code: number | null
  readonly said: string
}

/** One request over a connection from `from`, with any Host. */
async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  from?: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false, ...(from === undefined ? {} : { localAddress: from }) }, resolve)
      .on('error', reject)
      .end()
  })
  let text = ''
  for await (const piece of response) text += String(piece)
  return { status: response.statusCode ?? 0, text }
}

describe.each(platforms())('as $name starts it ($file)', (platform: Platform) => {
  const key = randomBytes(32).toString('hex')
  let cluster: OwnCluster
  let folder = ''
  let env: Record<string, string>
  let mounts: { from: string; to: string }[]
  let port = 0
  let child: ReturnType<typeof inContainer>
  let said = ''

  /** The command in the container, with what the platform adds. */
  const start = (argv: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    inContainer({ argv, env: { ...env, ...more }, mounts })
  const toEnd = async (argv: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> => {
    const process = start(argv, more)
    let all = ''
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (piece: Buffer) => (all += piece.toString()))
    const [code] = (await once(process, 'close')) as [number | null]
    return { code, said: all }
  }
  const lines = (): { request_id?: string; ip?: string; msg?: string }[] =>
    said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as never)

  beforeAll(async () => {
    cluster = await startCluster(inject('pg').bin)
    folder = await mkdtemp(join(tmpdir(), 'platform-'))
    await chmod(folder, 0o755)
    // Inside nobody but the owner could go through it; the data beneath stays closed.
    await chmod(cluster.socket, 0o755)
    const at = atCluster(cluster.socket)
    await query(
      at('postgres', 'postgres'),
      // As on a managed server: no superuser, may make roles and create in this one database.
      `CREATE ROLE gatehouse_admin LOGIN CREATEROLE PASSWORD '${CLUSTER_PASSWORD}'`,
      'CREATE DATABASE gatehouse',
      'GRANT CREATE ON DATABASE gatehouse TO gatehouse_admin',
    )
    port = await freePort()
    const secrets: Record<string, string> = {
      DATABASE_URL: at('gatehouse_admin', 'gatehouse'),
      SESSION_SECRET: randomBytes(48).toString('base64'),
      METRICS_TOKEN: randomBytes(32).toString('hex'),
    }
    const files = join(folder, 'secrets')
    await mkdir(files)
    for (const [name, value] of Object.entries(secrets)) await writeFile(join(files, name), `${value}\n`)
    const given = platform.secretsFolder === null ? secrets : {}
    env = {
      ...platform.env,
      ...platform.injected,
      ...given,
      // Its keys would be fetched from the world; empty counts as absent. A key of the operator's is the provider here.
      GOOGLE_CLIENT_ID: '',
      GOOGLE_CLIENT_SECRET_FILE: '',
      API_KEY: key,
      API_KEY_TENANT: 'acme',
      PORT: String(port),
      TRUST_PROXY: [platform.env['TRUST_PROXY'], TRUSTED].filter((each) => each !== undefined).join(','),
      ...(platform.env['PUBLIC_URL']?.startsWith('http://localhost:') === true
        ? { PUBLIC_URL: `http://localhost:${port}` }
        : {}),
      // Without a container the mount is not there: then the files are named where they are.
      ...(platform.secretsFolder !== null && whyNoContainer !== null
        ? Object.fromEntries(Object.keys(secrets).map((name) => [`${name}_FILE`, join(files, name)]))
        : {}),
    }
    mounts = [
      { from: cluster.socket, to: cluster.socket },
      ...(platform.secretsFolder === null ? [] : [{ from: files, to: platform.secretsFolder }]),
    ]
  }, 60_000)

  afterAll(async () => {
    child?.kill('SIGKILL')
    await cluster.remove()
    await rm(folder, { recursive: true, force: true })
  })

  test.skipIf(whyNoContainer !== null)(
    'the container is what it is said to be: read-only, not root, no rights',
    async () => {
      const script =
        'id -u; touch ./x /x /usr/x 2>/dev/null && echo WRITTEN; touch /tmp/x && echo tmp; grep CapBnd /proc/self/status'
      const { said: answer } = await toEnd(['sh', '-c', script])
      expect(answer.split('\n')).toEqual(['1000', 'tmp', expect.stringMatching(/^CapBnd:\s+0+$/), ''])
    },
  )

  test('the release step migrates, and may be run again', async () => {
    for (const _ of ['first', 'again']) {
      const { code, said: answer } = await toEnd(platform.release, platform.injectedToRelease)
      expect(code, answer).toBe(0)
    }
    const made = await toEnd(['node', 'dist/src/main.js', 'tenant', 'create', 'acme', '--json'])
    expect(made.code, made.said).toBe(0)
  }, 120_000)

  test('it becomes ready by its health path, asked as the platform asks', async () => {
    child = start(platform.start)
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece: Buffer) => (said += piece.toString()))
    const health = `http://127.0.0.1:${port}${platform.health}`
    const probe = async (path = health): Promise<number> => (await ask(path, { host: platform.probeHost })).status
    await until(async () => {
      if (child.exitCode !== null) throw new Error(said)
      return (await probe()) === 200
    }, 40_000)
    await until(async () => (await probe(`http://127.0.0.1:${port}/readyz`)) === 200, 20_000)
    expect(await probe(`http://127.0.0.1:${port}/livez`)).toBe(200)
    // The probe's name opens the health paths and nothing else, unless it is the public one.
    const own = new URL(JSON.parse(said.split('\n').find((line) => line.includes('"listening"')) ?? '{}').mcp as string)
    expect((await ask(`http://127.0.0.1:${port}/mcp`, { host: platform.probeHost })).status).toBe(
      own.host === platform.probeHost || platform.probeHost.startsWith('127.') ? 401 : 403,
    )
  }, 90_000)

  test('it listens where the platform comes from, IPv6 with HOST=::', async () => {
    const host = env['HOST']
    expect((await ask(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
    if (!six) return
    const onSix = ask(`http://[::1]:${port}/livez`)
    if (host === '::') expect((await onSix).status).toBe(200)
    else await expect(onSix).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('the HEALTHCHECK of the image finds it, and finds that nothing is there', async () => {
    expect(await toEnd(image.healthCheck)).toMatchObject({ code: 0 })
    expect(await toEnd(image.healthCheck, { PORT: String(await freePort()) })).toMatchObject({ code: 1 })
  })

  test('D4: the client is who the proxy says, and nobody else may say so', async () => {
    for (const [from, id, ip] of [
      [TRUSTED, 'from-proxy', '203.0.113.9'],
      [STRANGER, 'from-stranger', STRANGER],
    ] as const) {
      const headers = { ...platform.proxyHeaders, host: platform.probeHost, 'x-request-id': id }
      await ask(`http://127.0.0.1:${port}/livez`, headers, from)
      await until(() => lines().some((line) => line.request_id === id && line.msg === 'request'))
      expect(lines().find((line) => line.request_id === id && line.msg === 'request')).toMatchObject({ ip })
    }
  })

  test('told to stop, it answers the calls in flight and ends with 0 within the platform’s patience', async () => {
    const mcp = `http://127.0.0.1:${port}/mcp`
    const host = new URL(
      JSON.parse(said.split('\n').find((line) => line.includes('"listening"')) ?? '{}').mcp as string,
    ).host
    const call = async (name: string): Promise<RpcAnswer> =>
      await overHttp(mcp, host, key, { name: 'create_project', arguments: { name } })
    expect((await call('Before')).text).toContain('"structuredContent"')

    const holder = new pg.Client({ connectionString: atCluster(cluster.socket)('postgres', 'gatehouse') })
    await holder.connect()
    // Calls wait for this lock, so they are in flight for as long as the test likes.
    await holder.query('BEGIN; LOCK TABLE tenant_acme.projects IN ACCESS EXCLUSIVE MODE')
    const waiting = ['One', 'Two', 'Three'].map(call)
    await until(async () => {
      const { rows } = await holder.query<{ n: number }>(
        `SELECT count(*)::integer AS n FROM pg_locks WHERE NOT granted AND relation = 'tenant_acme.projects'::regclass`,
      )
      return rows[0]?.n === 3
    })
    if (platform.preStop !== null) {
      const before = toEnd(platform.preStop)
      expect((await ask(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      expect(await before).toMatchObject({ code: 0 })
    }
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    const told = performance.now()
    child.kill(platform.signal)
    await until(() => lines().some(({ msg }) => msg === 'stopping'))
    expect((await ask(`http://127.0.0.1:${port}/readyz`)).status).toBe(503)
    await holder.query('COMMIT')
    await holder.end()
    for (const answer of await Promise.all(waiting)) expect(answer.text).toContain('"structuredContent"')
    expect(await ended).toEqual([0, null])
    expect(performance.now() - told).toBeLessThan(platform.grace * 1000)
    for (const hidden of [key, CLUSTER_PASSWORD]) expect(said).not.toContain(hidden)
    const [{ n } = { n: 0 }] = await query<{ n: number }>(
      atCluster(cluster.socket)('postgres', 'gatehouse'),
      'SELECT count(*)::integer AS n FROM tenant_acme.projects',
    )
    expect(n).toBe(4)
  }, 60_000)
})

/** As rpc(), with the public name in the Host header, as the platform's proxy passes it on. */
async function overHttp(url: string, host: string, token: string, params: unknown): Promise<RpcAnswer> {
  if (new URL(url).host === host) return await rpc(url, token, 'tools/call', params)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: {
          host,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${token}`,
        },
      },
      resolve,
    )
      .on('error', reject)
      .end(body)
  })
  let text = ''
  for await (const piece of response) text += String(piece)
  return { status: response.statusCode ?? 0, headers: new Headers(), text, json: null }
}
