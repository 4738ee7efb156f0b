import { parser } from '@prometheus-io/lezer-promql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'
import { anchors, read } from './pages.ts'

const PAGE = 'docs/operations/observability.md'

interface Documented {
  readonly kind: string
  readonly labels: readonly string[]
}

/** Rows of the page's table: name, kind, labels. */
const documented = new Map<string, Documented>(
  [...read(PAGE).matchAll(/^\| `(gatehouse_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name = '', kind = '', labels = '']) => [
      name,
      { kind, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ],
  ),
)

interface Exposition {
  /** Kind by name. */
  readonly kinds: ReadonlyMap<string, string>
  readonly series: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[]
}

function parseExposition(text: string): Exposition {
  const kinds = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => [name, kind]))
  const series = [...text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, name = '', labels = '']) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', value = '']) => [key, value]),
    ),
  }))
  return { kinds, series }
}

interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

/** Every metric of an expression with the labels it is chosen by; throws when it is no PromQL. Grafana's variables are filled in first. */
function selectorsOf(expression: string): Selector[] {
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|instance)\b/g, 'x')
  const found: Selector[] = []
  let metric: string | null = null
  let labels: string[] = []
  parser.parse(text).iterate({
    enter(node) {
      const said = text.slice(node.from, node.to)
      if (node.type.isError) throw new Error(`not PromQL near ${node.from}: ${text}`)
      if (node.name === 'VectorSelector') [metric, labels] = [null, []]
      if (node.name === 'Identifier') metric = said
      if (node.name === 'LabelName' && node.node.parent?.name.endsWith('Matcher') === true) labels.push(said)
    },
    leave(node) {
      if (node.name === 'VectorSelector' && metric !== null) found.push({ metric, labels })
    },
  })
  if (found.length === 0) throw new Error(`no metric in ${text}`)
  return found
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }[]
}
const dashboard = JSON.parse(read('docs/operations/grafana-dashboard.json')) as {
  readonly uid: string
  readonly panels: readonly (Panel & { readonly id: number })[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
}
const alerts = parseYaml(read('docs/operations/alerts.yaml')) as {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly for?: string
      readonly labels: { readonly severity: string }
      readonly annotations: { readonly summary: string; readonly runbook: string }
    }[]
  }[]
}
const rules = alerts.groups.flatMap((group) => group.rules)
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets)
const used = [...rules.map(({ expr }) => expr), ...shown.map(({ expr }) => expr)]

describe('a running server', () => {
  let server: RunningGatehouse
  let told: Exposition

  beforeAll(async () => {
    server = await startGatehouse({ kind: 'postgres' })
    const alice = await server.token('alice@acme.test')
    const call = async (name: string, args: unknown = {}): Promise<unknown> =>
      await rpc(server.mcp, alice, 'tools/call', { name, arguments: args })
    await call('create_project', { name: 'Apollo' })
    await call('list_projects')
    await call('create_project')
    // What a caller makes up: tools, methods, paths, tokens, tenants.
    for (let i = 0; i < 40; i++) {
      await call(`made_up_${i}`)
      await rpc(server.mcp, alice, `made/up_${String.fromCodePoint(97 + (i % 26))}`)
      await fetch(`${server.url}/nowhere-${i}`, { method: i % 2 === 0 ? 'GET' : 'PROPFIND' })
      await rpc(`${server.url}/t/made_up_${i}/mcp`, alice, 'ping')
      await rpc(server.mcp, `opaque-${i}`, 'ping')
    }
    const scrape = async (): Promise<string> => await (await fetch(`${server.url}/metrics`)).text()
    await scrape()
    // Asked for by the first scrape.
    await until(async () => (await scrape()).includes('gatehouse_tenants{version="current"} 1'))
    told = parseExposition(await scrape())
  })
  afterAll(async () => await server.close())

  test('tells exactly the metrics that the page lists, each of its kind', () => {
    const ours = [...told.kinds].filter(([name]) => name.startsWith('gatehouse_'))
    expect(documented.size).toBeGreaterThan(20)
    expect(Object.fromEntries(ours)).toEqual(
      Object.fromEntries([...documented].map(([name, { kind }]) => [name, kind])),
    )
  })

  test('tells them with the labels that the page lists', () => {
    const seen = new Map<string, Set<string>>()
    for (const { name, labels } of told.series) {
      const metric = name.replace(/_(?:bucket|sum|count)$/, '')
      const key = documented.has(name) ? name : metric
      if (!key.startsWith('gatehouse_')) continue
      const labelsOf = seen.get(key) ?? new Set()
      seen.set(key, labelsOf)
      for (const label of Object.keys(labels)) if (label !== 'le') labelsOf.add(label)
    }
    expect(seen.size).toBeGreaterThan(20)
    for (const [name, labels] of seen)
      expect([...labels].toSorted(), name).toEqual(documented.get(name)?.labels.toSorted())
  })

  test('lets no caller make up a value of a label', () => {
    const values = told.series.flatMap(({ labels }) => Object.values(labels))
    expect(values.filter((value) => /made|nowhere|PROPFIND|opaque-|acme|alice/.test(value))).toEqual([])
    expect(told.series.filter(({ labels }) => labels['tool'] === 'unknown').length).toBeGreaterThan(0)
    expect(told.series.filter(({ name }) => name.startsWith('gatehouse_')).length).toBeLessThan(600)
  })

  test('has every metric, with every label, that the dashboard and the alerts ask for', () => {
    const own = new Set(told.kinds.keys())
    const wrong = used.flatMap(selectorsOf).filter(({ metric, labels }) => {
      if (metric === 'up') return false
      const base = own.has(metric) ? metric : metric.replace(/_(?:bucket|sum|count)$/, '')
      if (!own.has(base)) return true
      const known = new Set(['job', 'instance', ...(documented.get(base)?.labels ?? [])])
      return labels.some((label) => !known.has(label))
    })
    expect(wrong).toEqual([])
  })
})

test('every expression of the dashboard and the alerts is PromQL, and a broken one would be found', () => {
  expect(used.length).toBeGreaterThan(50)
  for (const expression of used) expect(() => selectorsOf(expression), expression).not.toThrow()
  expect(() => selectorsOf('sum(rate(gatehouse_refusals_total[5m])')).toThrow('not PromQL')
  expect(selectorsOf('sum by (code) (rate(a_total{code!="x",b=~"y"}[5m])) / c')).toEqual([
    { metric: 'a_total', labels: ['code', 'b'] },
    { metric: 'c', labels: [] },
  ])
})

test('every metric of the page is on the dashboard', () => {
  const metrics = new Set(shown.flatMap(({ expr }) => selectorsOf(expr).map(({ metric }) => metric)))
  const absent = [...documented.keys()].filter(
    (name) => !['', '_bucket', '_count'].some((suffix) => metrics.has(name + suffix)),
  )
  expect(absent).toEqual(['gatehouse_build_info'].filter((name) => !metrics.has(name)))
})

test('the dashboard can be imported anywhere: its data source is a variable, its rows are there, nothing overlaps', () => {
  expect(dashboard.templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'datasource datasource',
    'job query',
    'instance query',
  ])
  expect(dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
    'Traffic',
    'Refusals',
    'Latency',
    'Database',
    'Providers',
    'Saturation',
    'Upstreams',
  ])
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  for (const { datasource } of shown) expect(datasource.uid).toBe('${datasource}')
  for (const { expr } of shown) expect(expr).toContain('job="$job",instance=~"$instance"')
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
})

test('every alert has a name of its own, a severity, and a runbook that exists', () => {
  expect(rules.length).toBeGreaterThan(10)
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  for (const { alert, for: wait, labels, annotations } of rules) {
    expect(['page', 'ticket'], alert).toContain(labels.severity)
    if (wait !== undefined) expect(wait).toMatch(/^\d+[smh]$/)
    const [page = '', anchor = ''] = annotations.runbook.split('#')
    expect(anchor).toBe(alert.toLowerCase())
    expect(anchors(page)).toContain(anchor)
  }
})
