/** What each platform's file makes of the image: read from the files themselves, so that a test of them tests what is deployed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml, parseAllDocuments } from 'yaml'
import { packageRoot } from '#base/package.ts'

const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8')

type Variables = Readonly<Record<string, string>>

export interface Platform {
  readonly name: string
  /** Where it is written, from the package folder. */
  readonly file: string
  readonly release: readonly string[]
  readonly start: readonly string[]
  /** Of the image and of the file. Values that only the operator knows are not in it. */
  readonly env: Variables
  /** What the platform adds by itself. */
  readonly injected: Variables
  /** More of that for the release step. */
  readonly injectedToRelease: Variables
  readonly health: string
  /** The Host header of its probe, for a container at this address. */
  readonly probeHost: string
  readonly signal: NodeJS.Signals
  /** Seconds between the signal and SIGKILL. */
  readonly grace: number
  readonly preStop: readonly string[] | null
  /** Are secrets files? Then their folder. */
  readonly secretsFolder: string | null
  /** What the proxy in front sends for the client 203.0.113.9, after somebody forged what could be forged. */
  readonly proxyHeaders: Variables
}

const instruction = (name: string): string =>
  [...read('Dockerfile').matchAll(new RegExp(`^(?:HEALTHCHECK.*\\\\\\n\\s*)?${name} (.*)$`, 'gm'))].at(-1)?.[1] ?? ''

/** The image as the last stage of the Dockerfile describes it. */
export const image = {
  command: JSON.parse(instruction('CMD')) as readonly string[],
  entrypoint: JSON.parse(instruction('ENTRYPOINT')) as readonly string[],
  healthCheck: JSON.parse(
    /^HEALTHCHECK[^\n]*\\\n\s*CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]',
  ) as readonly string[],
  env: Object.fromEntries(
    instruction('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  ) as Variables,
  user: instruction('USER'),
  signal: instruction('STOPSIGNAL') as NodeJS.Signals,
  folder: instruction('WORKDIR'),
  /** Names below WORKDIR that are copied into it. */
  copied: [...read('Dockerfile').matchAll(/^COPY --from=build \S+ \/app\/(\S+) /gm)].map(([, name = '']) => name),
} as const

interface Fly {
  readonly app: string
  readonly primary_region: string
  readonly kill_signal: NodeJS.Signals
  readonly kill_timeout: number
  readonly deploy: { readonly release_command: string }
  readonly env: Variables
  readonly http_service: { readonly checks: readonly { readonly path: string }[] }
}
interface Railway {
  readonly deploy: {
    readonly preDeployCommand: readonly string[]
    readonly startCommand: string
    readonly healthcheckPath: string
    readonly drainingSeconds: number
  }
}
interface Render {
  readonly services: readonly {
    readonly preDeployCommand: string
    readonly healthCheckPath: string
    readonly maxShutdownDelaySeconds: number
    readonly envVars: readonly { readonly key: string; readonly value?: string }[]
  }[]
}
interface ComposeService {
  readonly command?: readonly string[]
  readonly environment: Variables
  readonly stop_grace_period?: string
}
export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Variables }
  readonly data?: Variables
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly labels: Variables }; readonly spec: PodSpec }
  }
}
interface Probe {
  readonly httpGet: { readonly path: string }
}
export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext: { readonly runAsUser: number; readonly runAsNonRoot: boolean }
  readonly containers: readonly {
    readonly image: string
    readonly args?: readonly string[]
    readonly readinessProbe?: Probe
    readonly livenessProbe?: Probe
    readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
    readonly securityContext: Readonly<Record<string, unknown>>
  }[]
}

export const manifests = (file = 'docs/deploy/kubernetes.yaml'): readonly Manifest[] =>
  parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest)

/** The pod of a Deployment or Job. */
export function podOf(kind: string): PodSpec {
  const spec = manifests().find((one) => one.kind === kind)?.spec?.template?.spec
  if (spec === undefined) throw new Error(`kubernetes.yaml has no ${kind}`)
  return spec
}

const words = (line: string): readonly string[] => line.split(' ')
const CLIENT = '203.0.113.9'

function fly(): Platform {
  const file = parseToml(read('fly.toml')) as unknown as Fly
  return {
    name: 'Fly',
    file: 'fly.toml',
    release: words(file.deploy.release_command),
    start: image.command,
    env: { ...image.env, ...file.env },
    injected: {
      FLY_APP_NAME: file.app,
      FLY_MACHINE_ID: '148e2d31c12389',
      FLY_REGION: file.primary_region,
      FLY_PRIVATE_IP: 'fdaa:0:18:a7b:7d:f066:8c40:2',
      PRIMARY_REGION: file.primary_region,
    },
    injectedToRelease: { RELEASE_COMMAND: '1' },
    health: file.http_service.checks[0]?.path ?? '',
    probeHost: '172.19.4.2:3000',
    signal: file.kill_signal,
    grace: file.kill_timeout,
    preStop: null,
    secretsFolder: null,
    proxyHeaders: { 'fly-client-ip': CLIENT, 'x-forwarded-for': `6.6.6.6, ${CLIENT}, 66.241.124.1`, via: '1.1 fly.io' },
  }
}

function railway(): Platform {
  const { deploy } = JSON.parse(read('railway.json')) as Railway
  return {
    name: 'Railway',
    file: 'railway.json',
    release: words(deploy.preDeployCommand[0] ?? ''),
    start: words(deploy.startCommand),
    env: { ...image.env, ...told('Railway') },
    injected: {
      RAILWAY_PUBLIC_DOMAIN: 'gatehouse-production.up.railway.app',
      RAILWAY_PRIVATE_DOMAIN: 'gatehouse.railway.internal',
      RAILWAY_ENVIRONMENT_NAME: 'production',
      RAILWAY_SERVICE_NAME: 'gatehouse',
      RAILWAY_REPLICA_ID: '5c2c5d1a-1d0e-4a4e-8f0e-0d3c3f8e9a11',
    },
    injectedToRelease: {},
    health: deploy.healthcheckPath,
    probeHost: 'healthcheck.railway.app',
    signal: 'SIGTERM',
    grace: deploy.drainingSeconds,
    preStop: null,
    secretsFolder: null,
    proxyHeaders: { 'x-real-ip': CLIENT, 'x-forwarded-for': `${CLIENT}, 152.233.33.7` },
  }
}

/** What the page tells the operator to set where the file cannot: the row of docs/deploy/README.md. */
function told(platform: string): Variables {
  const [, networks = '', header = ''] =
    new RegExp(`^\\| ${platform} \\| \`([^\`]+)\` \\| \`([^\`]+)\` \\|`, 'm').exec(read('docs/deploy/README.md')) ?? []
  return { TRUST_PROXY: networks, CLIENT_IP_HEADER: header }
}

function render(): Platform {
  const [service] = (parseYaml(read('render.yaml')) as Render).services
  if (service === undefined) throw new Error('render.yaml has no service')
  return {
    name: 'Render',
    file: 'render.yaml',
    release: words(service.preDeployCommand),
    start: image.command,
    env: {
      ...image.env,
      ...Object.fromEntries(service.envVars.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value]]))),
    },
    injected: {
      RENDER: 'true',
      RENDER_EXTERNAL_URL: 'https://gatehouse.onrender.com',
      RENDER_EXTERNAL_HOSTNAME: 'gatehouse.onrender.com',
      RENDER_SERVICE_TYPE: 'web',
      IS_PULL_REQUEST: 'false',
    },
    injectedToRelease: {},
    health: service.healthCheckPath,
    probeHost: 'gatehouse.onrender.com',
    signal: 'SIGTERM',
    grace: service.maxShutdownDelaySeconds,
    preStop: null,
    secretsFolder: null,
    proxyHeaders: { 'cf-connecting-ip': CLIENT, 'x-forwarded-for': `${CLIENT}, 104.22.17.40` },
  }
}

function kubernetes(): Platform {
  const [pod, job] = [podOf('Deployment'), podOf('Job')]
  const [container] = pod.containers
  return {
    name: 'Kubernetes',
    file: 'docs/deploy/kubernetes.yaml',
    release: job.containers[0]?.args ?? [],
    start: container?.args ?? image.command,
    env: { ...image.env, ...manifests().find(({ kind }) => kind === 'ConfigMap')?.data },
    injected: {
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_PORT: 'tcp://10.96.0.1:443',
      HOSTNAME: 'gatehouse-6f7d9c5b8-abcde',
    },
    injectedToRelease: {},
    health: container?.readinessProbe?.httpGet.path ?? '',
    probeHost: '10.244.1.7:3000',
    signal: image.signal,
    grace: pod.terminationGracePeriodSeconds ?? 30,
    preStop: container?.lifecycle?.preStop.exec.command ?? null,
    secretsFolder: container?.volumeMounts.find(({ name }) => name === 'secrets')?.mountPath ?? null,
    proxyHeaders: { 'x-forwarded-for': `6.6.6.6, ${CLIENT}`, 'x-forwarded-proto': 'https' },
  }
}

/** The services that are built from this repository. */
export function composeServices(): Readonly<Record<string, ComposeService>> {
  const { services } = parseYaml(read('compose.yaml'), { merge: true }) as { services: Record<string, ComposeService> }
  return services
}

function compose(): Platform {
  const { migrate, gatehouse } = composeServices()
  if (migrate === undefined || gatehouse === undefined) throw new Error('compose.yaml lacks a service')
  const dotenv: Variables = { POSTGRES_PASSWORD: 'letters0and1digits' }
  const filled = (text: string): string =>
    text.replaceAll(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_, name: string, other?: string) => dotenv[name] ?? other ?? '')
  return {
    name: 'Compose',
    file: 'compose.yaml',
    release: migrate.command ?? [],
    start: gatehouse.command ?? image.command,
    env: {
      ...image.env,
      ...Object.fromEntries(Object.entries(gatehouse.environment).map(([name, value]) => [name, filled(value)])),
    },
    injected: {},
    injectedToRelease: {},
    health: '/livez',
    probeHost: '127.0.0.1:3000',
    signal: image.signal,
    grace: Number.parseInt(gatehouse.stop_grace_period ?? '10s', 10),
    preStop: null,
    secretsFolder: null,
    proxyHeaders: { 'x-forwarded-for': `6.6.6.6, ${CLIENT}` },
  }
}

export const platforms = (): readonly Platform[] => [fly(), railway(), render(), kubernetes(), compose()]
