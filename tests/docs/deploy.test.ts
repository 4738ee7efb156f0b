import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { packageRoot } from '#base/package.ts'
import { isSetting } from '#base/settings.ts'
import { read } from './pages.ts'

interface Compose {
  services: Record<string, { build?: string; command?: string[]; environment?: Record<string, string>; init?: boolean }>
}
interface Fly {
  kill_timeout: number
  deploy: { release_command: string }
  env: Record<string, string>
  http_service: { internal_port: number; checks: { path: string }[] }
}
interface Railway {
  deploy: {
    preDeployCommand: string[]
    startCommand: string
    healthcheckPath: string
    drainingSeconds: number
    overlapSeconds: number
  }
}
interface Render {
  services: {
    preDeployCommand: string
    healthCheckPath: string
    maxShutdownDelaySeconds: number
    envVars: { key: string }[]
  }[]
}

const compose = parseYaml(read('compose.yaml'), { merge: true }) as Compose
const fly = parseToml(read('fly.toml')) as unknown as Fly
const railway = JSON.parse(read('railway.json')) as Railway
const render = parseYaml(read('render.yaml')) as Render
const dockerfile = read('Dockerfile')
const ours = Object.values(compose.services).filter((service) => service.build !== undefined)

const commands: Record<string, readonly string[]> = {
  Dockerfile: [...dockerfile.matchAll(/^CMD (\[.*\])$/gm)].map(([, list = '']) =>
    (JSON.parse(list) as string[]).join(' '),
  ),
  'compose.yaml': ours.flatMap((service) => (service.command === undefined ? [] : [service.command.join(' ')])),
  'fly.toml': [fly.deploy.release_command],
  'railway.json': [...railway.deploy.preDeployCommand, railway.deploy.startCommand],
  'render.yaml': render.services.map((service) => service.preDeployCommand),
}

const variables: Record<string, readonly string[]> = {
  Dockerfile: [...dockerfile.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) =>
    line.split(' ').map((pair) => pair.split('=')[0] ?? ''),
  ),
  'compose.yaml': ours.flatMap((service) => Object.keys(service.environment ?? {})),
  'fly.toml': Object.keys(fly.env),
  'render.yaml': render.services.flatMap((service) => service.envVars.map(({ key }) => key)),
}

describe.each(Object.entries(commands))('%s', (_file, found) => {
  test('starts the program by commands that exist', () => {
    expect(found.length).toBeGreaterThan(0)
    for (const command of found) expect(command).toMatch(/^node dist\/src\/main\.js (?:serve|migrate)$/)
    for (const command of found)
      expect(existsSync(join(packageRoot, 'src/cli', `${command.split(' ').at(-1)}.ts`))).toBe(true)
  })
})

test.each(Object.entries(variables))('%s sets only variables that the configuration reads', (_file, names) => {
  expect(names.length).toBeGreaterThan(0)
  expect(names.filter((name) => !isSetting(name))).toEqual([])
})

test('the program they start is the one the package names and the build makes', () => {
  expect(JSON.parse(read('package.json'))).toMatchObject({ bin: { gatehouse: 'dist/src/main.js' } })
  expect(existsSync(join(packageRoot, 'src/main.ts'))).toBe(true)
})

test('the image holds what the program reads at run time, and is not asked to do without its init', () => {
  for (const kept of ['package.json', 'node_modules', 'sql', 'dist']) expect(dockerfile).toContain(`/app/${kept} ./`)
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(ours.filter((service) => service.init === true)).toEqual([])
})

test('platforms ask the readiness path and give more time to stop than SHUTDOWN_TIMEOUT takes', () => {
  const paths = [
    ...fly.http_service.checks.map(({ path }) => path),
    railway.deploy.healthcheckPath,
    ...render.services.map((service) => service.healthCheckPath),
  ]
  expect(new Set(paths)).toEqual(new Set(['/readyz']))
  for (const seconds of [
    fly.kill_timeout,
    railway.deploy.drainingSeconds,
    ...render.services.map((service) => service.maxShutdownDelaySeconds),
  ]) {
    expect(seconds).toBeGreaterThan(25)
  }
})

test('Fly sends requests to the port the program listens on', () => {
  expect(String(fly.http_service.internal_port)).toBe(fly.env['PORT'])
})

test('Railway is given one command before deployment and whole numbers, as its schema wants', () => {
  expect(railway.deploy.preDeployCommand).toHaveLength(1)
  expect([railway.deploy.overlapSeconds, railway.deploy.drainingSeconds].every(Number.isInteger)).toBe(true)
})
