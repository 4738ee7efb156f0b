import type { IncomingMessage } from 'node:http'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '#base/package.ts'
import { isSetting, SETTINGS } from '#base/settings.ts'
import { clientAddress } from '#http/client-address.ts'
import { composeServices, image, platforms } from '../support/platforms.ts'
import { read } from './pages.ts'

/** Where this program asks for more than 25 s to stop, a platform must give it. */
const STOPPING = Number(SETTINGS.SHUTDOWN_TIMEOUT.default)
const all = platforms()

describe.each(all)('$file', ({ file, release, start, env, health, grace, signal }) => {
  test('starts the program by commands that exist, the release step first', () => {
    expect(release).toEqual(['node', 'dist/src/main.js', 'migrate'])
    expect(start).toEqual(['node', 'dist/src/main.js', 'serve'])
    for (const command of ['migrate', 'serve'])
      expect(existsSync(join(packageRoot, `src/cli/${command}.ts`))).toBe(true)
  })

  test('sets only variables that the configuration reads', () => {
    expect(Object.keys(env).length).toBeGreaterThan(2)
    expect(Object.keys(env).filter((name) => !isSetting(name))).toEqual([])
  })

  test('routes by readiness, stops by SIGTERM, and waits longer than SHUTDOWN_TIMEOUT', () => {
    // The image's own check is for restarts; compose has nothing that routes.
    expect(health).toBe(file === 'compose.yaml' ? '/livez' : '/readyz')
    expect(signal).toBe('SIGTERM')
    expect(grace).toBeGreaterThan(STOPPING)
  })
})

/** Written from what each platform documents, strict: a key that is misspelled, or stands at the wrong level, is found. */
const seconds = z.number().int().positive()
const FLY = z.strictObject({
  app: z.string(),
  primary_region: z.string().regex(/^[a-z]{3}$/),
  kill_signal: z.enum(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGSTOP']),
  kill_timeout: seconds.max(300),
  build: z.strictObject({ dockerfile: z.string() }),
  deploy: z.strictObject({
    release_command: z.string(),
    release_command_timeout: z.string().regex(/^\d+[smh]$/),
    strategy: z.enum(['rolling', 'immediate', 'canary', 'bluegreen']),
  }),
  // Names that begin with FLY_ are Fly's own.
  env: z.record(z.string().regex(/^(?!FLY_)[A-Z][A-Z0-9_]*$/), z.string()),
  http_service: z.strictObject({
    internal_port: z.number().int(),
    force_https: z.literal(true),
    auto_stop_machines: z.enum(['off', 'stop', 'suspend']),
    auto_start_machines: z.boolean(),
    min_machines_running: z.number().int(),
    concurrency: z.strictObject({
      type: z.enum(['requests', 'connections']),
      soft_limit: z.number().int(),
      hard_limit: z.number().int(),
    }),
    checks: z
      .array(
        z.strictObject({
          grace_period: z.string(),
          interval: z.string(),
          timeout: z.string(),
          method: z.literal('GET'),
          path: z.string(),
        }),
      )
      .min(1),
  }),
  vm: z.array(z.strictObject({ size: z.string(), memory: z.string() })),
})
const RAILWAY = z.strictObject({
  $schema: z.literal('https://railway.com/railway.schema.json'),
  build: z.strictObject({ builder: z.enum(['DOCKERFILE', 'RAILPACK', 'NIXPACKS']), dockerfilePath: z.string() }),
  deploy: z.strictObject({
    // A list of one; and the two times are numbers, although its pages show text.
    preDeployCommand: z.array(z.string()).length(1),
    startCommand: z.string().startsWith('node '),
    healthcheckPath: z.string(),
    healthcheckTimeout: seconds,
    restartPolicyType: z.enum(['ON_FAILURE', 'ALWAYS', 'NEVER']),
    restartPolicyMaxRetries: z.number().int(),
    overlapSeconds: seconds,
    drainingSeconds: seconds,
  }),
})
const RENDER_VARIABLE = z.union([
  z.strictObject({ key: z.string(), value: z.union([z.string(), z.number()]) }),
  z.strictObject({ key: z.string(), generateValue: z.literal(true) }),
  z.strictObject({ key: z.string(), sync: z.literal(false) }),
  z.strictObject({
    key: z.string(),
    fromDatabase: z.strictObject({ name: z.string(), property: z.literal('connectionString') }),
  }),
])
const RENDER = z.strictObject({
  services: z.array(
    z.strictObject({
      type: z.literal('web'),
      name: z.string(),
      runtime: z.literal('docker'),
      plan: z.enum(['starter', 'standard', 'pro']),
      dockerfilePath: z.string(),
      preDeployCommand: z.string(),
      healthCheckPath: z.string(),
      maxShutdownDelaySeconds: seconds.max(300),
      envVars: z.array(RENDER_VARIABLE),
    }),
  ),
  databases: z.array(z.strictObject({ name: z.string(), plan: z.string(), postgresMajorVersion: z.string() })),
})
const COMPOSE_SERVICE = z.strictObject({
  image: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  env_file: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  tmpfs: z.array(z.string()).optional(),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional(),
  healthcheck: z
    .strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string(), retries: z.number() })
    .optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({
        condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']),
      }),
    )
    .optional(),
})
const COMPOSE = z.strictObject({
  services: z.record(z.string(), COMPOSE_SERVICE),
  volumes: z.record(z.string(), z.strictObject({})),
})

test.each([
  ['fly.toml', FLY, parseToml],
  ['railway.json', RAILWAY, JSON.parse],
  ['render.yaml', RENDER, parseYaml],
  ['compose.yaml', COMPOSE, (text: string) => parseYaml(text, { merge: true }) as unknown],
] as const)('%s holds only what its platform documents', (file, schema, parse) => {
  expect(schema.safeParse(parse(read(file))).error?.issues ?? []).toEqual([])
})

test('Fly sends requests to the port the program listens on, and finds it by IPv6', () => {
  const fly = FLY.parse(parseToml(read('fly.toml')))
  expect(fly.env).toMatchObject({ PORT: String(fly.http_service.internal_port), HOST: '::' })
  // Calls under way and streams: at its hard limit Fly turns away everybody, whoever took the places.
  const places = Number(SETTINGS.CONCURRENT_CALLS.default) + 1024
  expect(fly.http_service.concurrency.hard_limit).toBeGreaterThan(places)
})

test('Render makes the database that the service names, and its secrets stand in no file', () => {
  const { services, databases } = RENDER.parse(parseYaml(read('render.yaml')))
  for (const { envVars } of services) {
    const bases = envVars.flatMap((one) => ('fromDatabase' in one ? [one.fromDatabase.name] : []))
    expect(bases).toEqual(databases.map(({ name }) => name))
    for (const one of envVars) if (/SECRET|PASSWORD|TOKEN|URL$/.test(one.key)) expect(one).not.toHaveProperty('value')
  }
})

test('Compose serves after the migration, read-only and without rights', () => {
  const { gatehouse } = composeServices()
  expect(gatehouse).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    tmpfs: ['/tmp'],
    depends_on: { migrate: { condition: 'service_completed_successfully' } },
  })
  // tini must be process 1, and Docker's own init would be.
  expect(gatehouse).not.toHaveProperty('init')
})

test('the image holds what the program reads at run time, has an init, and runs as an ordinary user', () => {
  expect(image.copied.toSorted()).toEqual(['dist', 'node_modules', 'package.json', 'sql'])
  expect(image).toMatchObject({ user: 'node', signal: 'SIGTERM', entrypoint: ['/usr/bin/tini', '--'] })
  expect(read('Dockerfile')).toMatch(/^FROM node:24-bookworm-slim$/m)
  expect(JSON.parse(read('package.json'))).toMatchObject({ bin: { gatehouse: image.command[1] } })
})

/** Addresses as they were seen in front of an application there (docs/deploy/README.md says how well that is known). */
test.each([
  ['Fly', ['172.16.11.34', 'fdaa:0:18::3'], ['203.0.113.1', '10.0.0.1']],
  ['Railway', ['100.64.0.3'], ['203.0.113.1', 'fd12::7', '10.0.0.1']],
  ['Render', ['10.21.157.68'], ['203.0.113.1', '104.22.17.40']],
  ['Kubernetes', ['10.244.3.9'], ['203.0.113.1']],
])('D4: on %s the proxy is believed, and strangers are not', (name, proxies, strangers) => {
  const { env, proxyHeaders } = all.find((one) => one.name === name) ?? { env: {}, proxyHeaders: {} }
  const addressOf = clientAddress({
    trustProxy: (env as Record<string, string>)['TRUST_PROXY']?.split(',') ?? [],
    clientIpHeader: (env as Record<string, string>)['CLIENT_IP_HEADER'] ?? null,
  })
  const from = (remoteAddress: string): string | null =>
    addressOf({ headers: proxyHeaders, socket: { remoteAddress } } as unknown as IncomingMessage)
  for (const proxy of proxies) expect(from(proxy), proxy).toBe('203.0.113.9')
  for (const stranger of strangers) expect(from(stranger), stranger).toBe(stranger)
})
