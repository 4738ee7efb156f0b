import { Deployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Job } from 'kubernetes-models/batch/v1'
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Service } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { SETTINGS } from '#base/settings.ts'
import { manifests, platforms, podOf, type Manifest } from '../support/platforms.ts'
import { read } from './pages.ts'

const STOPPING = Number(SETTINGS.SHUTDOWN_TIMEOUT.default)
const folder = platforms().find(({ name }) => name === 'Kubernetes')?.secretsFolder ?? '?'

const KINDS: Readonly<Record<string, new (data: never) => { validate: () => void }>> = {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Service,
}

/** Paths of what the schema of its kind never looks at: keys that the API does not know. @throws what the schema refuses. */
function unknownKeys(manifest: Manifest): string[] {
  const Kind = KINDS[manifest.kind]
  if (Kind === undefined) return [manifest.kind]
  const seen = new Set<string>()
  const paths: string[] = []
  const watch = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value
    for (const key of Object.keys(value)) paths.push(`${path}/${key}`)
    return new Proxy(value, {
      get(target, key) {
        seen.add(`${path}/${String(key)}`)
        return watch(Reflect.get(target, key), `${path}/${String(key)}`)
      },
    })
  }
  const checked = Object.create(Kind.prototype as object) as { validate: () => void }
  for (const [key, value] of Object.entries(manifest)) Reflect.set(checked, key, watch(value, `/${key}`))
  checked.validate()
  return [...new Set(paths)].filter((path) => !seen.has(path))
}

describe.each(['docs/deploy/kubernetes.yaml', 'docs/deploy/kubernetes-optional.yaml'])('%s', (file) => {
  test.each(manifests(file).map((one) => [one.kind, one] as const))('%s is what the API takes', (_, manifest) => {
    expect(unknownKeys(manifest)).toEqual([])
  })
})

test('a manifest with a misspelled key, or text where a number belongs, would be found', () => {
  const deployment = manifests().find(({ kind }) => kind === 'Deployment') ?? { kind: '', metadata: { name: '' } }
  const wrong = structuredClone(deployment) as unknown as { spec: { replicas: unknown; template: { spec: object } } }
  Object.assign(wrong.spec.template.spec, { terminationGracePeriod: 40 })
  expect(unknownKeys(wrong as unknown as Manifest)).toEqual(['/spec/template/spec/terminationGracePeriod'])
  wrong.spec.replicas = 'two'
  expect(() => unknownKeys(wrong as unknown as Manifest)).toThrow(/replicas must be integer/)
})

test('Kubernetes: release step and server are one image, confined as the namespace demands, told nothing by environment', () => {
  const pods = [podOf('Deployment'), podOf('Job')]
  expect(new Set(pods.flatMap(({ containers }) => containers.map((one) => one.image))).size).toBe(1)
  for (const pod of pods) {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    })
    for (const { securityContext, ...container } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(container).toHaveProperty('resources.limits.memory')
      expect(container).not.toHaveProperty('env')
    }
  }
  const settings = manifests().find(({ kind }) => kind === 'ConfigMap')?.data ?? {}
  const secret = Object.keys(settings).filter((name) => /SECRET|TOKEN|DATABASE_URL|PASSWORD/.test(name))
  for (const name of secret) expect(settings[name]).toBe(`${folder}/${name.replace(/_FILE$/, '')}`)
  // The page makes the Secret with exactly the files that are named.
  const made = [...read('docs/deploy/kubernetes.md').matchAll(/--from-file=(\w+)/g)].map(([, name]) => `${name}_FILE`)
  expect(made.toSorted()).toEqual(secret.toSorted())
})

test('Kubernetes: restarts go by liveness, traffic by readiness, and there is time for preStop and the calls in flight', () => {
  const { containers, terminationGracePeriodSeconds: grace = 0 } = podOf('Deployment')
  const [container] = containers
  expect(container).toMatchObject({
    livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
    startupProbe: { httpGet: { path: '/livez', port: 'http' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
  })
  const pause = Number(container?.lifecycle?.preStop.exec.command.at(-1))
  expect(grace).toBeGreaterThan(pause + STOPPING)
})

test('Kubernetes: what selects the pods matches them, and the Service leads to the port that is listened on', () => {
  const labels = manifests().find(({ kind }) => kind === 'Deployment')?.spec?.template?.metadata.labels ?? {}
  for (const manifest of manifests().filter(({ kind }) => ['Deployment', 'PodDisruptionBudget'].includes(kind)))
    expect(manifest).toHaveProperty('spec.selector.matchLabels', labels)
  const service = manifests().find(({ kind }) => kind === 'Service')
  expect(service).toMatchObject({ spec: { selector: labels, ports: [{ targetPort: 'http' }] } })
  expect(podOf('Deployment').containers[0]).toMatchObject({ ports: [{ name: 'http', containerPort: 3000 }] })
  expect(manifests().find(({ kind }) => kind === 'ConfigMap')?.data).toMatchObject({ PORT: '3000' })
})
