import { html, type Html } from '#base/html.ts'
import { limitsFor } from '#desk/limits.ts'
import type { Desk } from '#desk/operation.ts'
import type { KeyRecord } from '#tenancy/keys.ts'
import { isUsageRange, USAGE_RANGES, usageRange, type UsageRangeName } from '#tenancy/usage-range.ts'
import type { CallerUsage, ToolUsage, UsageReport } from '#tenancy/usage.ts'
import type { ConsoleDeps } from './deps.ts'
import { empty, head } from './parts.ts'
import type { Place, TenantPage, TenantSection } from './tenant-pages.ts'
import { count, mean, share, usageChart } from './usage-chart.ts'

const RANGES: Readonly<Record<UsageRangeName, string>> = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
}

/** How much is called: over time, by which tool and whom, and what the limits are. */
export function usageSection({ registry, desk }: Pick<ConsoleDeps, 'registry' | 'desk'>): TenantSection {
  const page: TenantPage = {
    path: '/usage',
    title: 'Usage',
    scope: null,
    async show(place, { query }) {
      const { tenant, actor } = place
      const asked = query.text('range')
      const range = isUsageRange(asked) ? asked : '30d'
      const report = await registry.usage.report(tenant, actor, usageRange(range, place.now))
      const { items } = await registry.keys.list(tenant, actor)
      return html`${head('Usage', lead(report))} ${ranges(place, range)} ${numbers(report)}
      ${report.totals.calls + report.totals.refusals === 0 ? nothing(place, range) : details(place, report)}
      ${limits(place, desk.limits, items)}`
    },
  }
  return { pages: [page], forms: [] }
}

const lead = ({ whose }: UsageReport): Html =>
  whose === 'tenant'
    ? html`Every call of every person and key. What the last 10 seconds brought may be missing.`
    : html`Your own calls and those of your keys. Admins see everybody's.`

const ranges = ({ path }: Place, open: UsageRangeName): Html =>
  html`<nav class="row ranges" aria-label="Range">
    ${USAGE_RANGES.map(
      (name) =>
        html`<a class="button tiny" href="${path(`/usage?range=${name}`)}" ${name === open && html`aria-current="true"`}
          >${RANGES[name]}</a
        > `,
    )}
  </nav>`

const numbers = ({ totals }: UsageReport): Html => {
  const stat = (word: string, value: string, told: string): Html =>
    html`<dl class="card stat">
      <dt>${word}</dt>
      <dd>${value}</dd>
      <dd class="small soft">${told}</dd>
    </dl>`
  return html`<div class="cards four">
    ${stat('Calls', count(totals.calls), 'of tools, resources and prompts')}
    ${stat('Failed', count(totals.failures), totals.calls === 0 ? 'of no calls' : `${share(totals)} of the calls`)}
    ${stat('Refused', count(totals.refusals), 'before a tool was reached')}
    ${stat('Mean time', mean(totals), totals.calls === 0 ? 'of no calls' : `longest ${count(totals.max_ms)} ms`)}
  </div>`
}

const nothing = ({ path, tenant }: Place, range: UsageRangeName): Html =>
  empty(
    `No calls in the last ${RANGES[range]}`,
    'They are counted as soon as a client or a key calls a tool here.',
    html`<a class="button primary" href="/t/${tenant.slug}">Connect a client</a>
      <a class="button" href="${path('/keys')}">Make an API key</a>`,
  )

const details = ({ path }: Place, report: UsageReport): Html =>
  html`<section class="card">
      <h2>Calls per ${report.step}</h2>
      ${usageChart(report, 'usage')}
    </section>
    <section class="card">
      <h2>Tools</h2>
      ${toolTable(report.tools)}
    </section>
    <section class="card">
      <h2>People and keys</h2>
      ${callerTable(report.callers, path)}
      ${
        report.callers_total > report.callers.length &&
        html`<p class="small">The ${report.callers.length} busiest of ${count(report.callers_total)}.</p>`
      }
    </section>`

function toolTable(tools: readonly ToolUsage[]): Html {
  const most = Math.max(1, ...tools.map(({ calls }) => calls))
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Calls per tool">
    <table class="full">
      <thead>
        <tr>
          <th scope="col">Tool</th>
          <th scope="col" class="wide"><span class="unseen">Share</span></th>
          <th scope="col" class="right">Calls</th>
          <th scope="col" class="right">Failed</th>
          <th scope="col" class="right spare">Mean time</th>
        </tr>
      </thead>
      <tbody>
        ${tools.map(
          (row) =>
            html`<tr>
              <th scope="row" class="mono nowrap">${row.tool}</th>
              <td class="wide">
                <svg
                  class="meter"
                  viewBox="0 0 100 4"
                  width="100%"
                  height="8"
                  preserveAspectRatio="none"
                  aria-hidden="true"
                >
                  <rect width="${Math.round((row.calls / most) * 1000) / 10}" height="4" />
                </svg>
              </td>
              <td class="right">${count(row.calls)}</td>
              <td class="right">${failed(row)}</td>
              <td class="right nowrap spare">${mean(row)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

const failed = (row: ToolUsage | CallerUsage): Html =>
  html`${count(row.failures)}${row.failures > 0 && html` <span class="soft nowrap">(${share(row)})</span>`}`

const callerTable = (callers: readonly CallerUsage[], path: Place['path']): Html =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="Calls per person and key">
    <table class="full">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col" class="right">Calls</th>
          <th scope="col" class="right">Failed</th>
          <th scope="col" class="right spare">Refused</th>
        </tr>
      </thead>
      <tbody>
        ${callers.map(
          (row) =>
            html`<tr>
              <th scope="row">
                ${row.key === null ? (row.name ?? row.email ?? row.user_id) : html`<a href="${path(`/keys/${row.key}`)}">${row.name ?? row.key}</a>`}
                <div class="small mono">${row.key === null ? (row.email ?? row.user_id) : `key ${row.key}`}</div>
              </th>
              <td class="right">${count(row.calls)}</td>
              <td class="right">${failed(row)}</td>
              <td class="right spare">${count(row.refusals)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`

function limits({ path, tenant }: Place, server: Desk['limits'], keys: readonly KeyRecord[]): Html {
  const { requests_per_minute_tenant: all, requests_per_minute_caller: each, shared } = limitsFor(tenant, server)
  const limited = keys.filter(({ status, requests_per_hour }) => status === 'active' && requests_per_hour !== null)
  return html`<section class="card">
    <h2>Limits</h2>
    ${
      all !== null && each !== null
        ? html`<dl class="facts">
              <dt>One person or key</dt>
              <dd>${count(each)} calls per minute</dd>
              <dt>The organisation</dt>
              <dd>${count(all)} calls per minute</dd>
              ${limited.map(
                ({ id, name, requests_per_hour }) =>
                  html`<dt>Key <a href="${path(`/keys/${id}`)}">${name}</a></dt>
                    <dd>${count(requests_per_hour ?? 0)} requests per hour</dd>`,
              )}
            </dl>
            <p class="small">
              Who is over a limit is answered 429 with the seconds to wait.
              ${shared ? 'All processes of the server count together.' : 'Each process of the server counts for itself.'}
            </p>`
        : html`<p>This server counts no requests: its operator turned the limits off.</p>`
    }
  </section>`
}
