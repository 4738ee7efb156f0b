import { html, type Html } from '#base/html.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import type { UsageReport } from '#tenancy/usage.ts'
import type { Place } from './tenant-pages.ts'
import { count, share, usageChart } from './usage-chart.ts'

/** Tools that are shown; the usage page has all. */
const MOST = 5

export const numbers = (
  { path }: Place,
  { totals }: UsageReport,
  { domains, people }: { readonly domains: readonly DomainRecord[]; readonly people: number },
): Html => {
  const stat = (word: string, to: string, value: number, told: string): Html =>
    html`<dl class="card stat">
      <dt><a href="${path(to)}">${word}</a></dt>
      <dd>${count(value)}</dd>
      <dd class="small soft">${told}</dd>
    </dl>`
  const verified = domains.filter(({ state }) => state === 'verified').length
  return html`<div class="cards four">
    ${stat('People', '/people', people, 'active members')}
    ${stat('Domains', '/domains', verified, domains.length === verified ? 'verified' : `of ${domains.length} are verified`)}
    ${stat('Calls', '/usage', totals.calls, 'in 30 days')}
    ${stat('Failed', '/usage', totals.failures, totals.calls === 0 ? 'in 30 days' : `${share(totals)} of the calls`)}
  </div>`
}

/** Calls per day with the failed ones, and what is called most. */
export const usageCards = ({ path }: Place, report: UsageReport): Html => {
  const { totals, tools, whose } = report
  const title = whose === 'own' ? 'Your calls per day' : 'Calls per day'
  if (totals.calls === 0)
    return html`<section class="card">
      <h2>${title}</h2>
      <p class="soft">None in the last 30 days. They appear here about ten seconds after the first one.</p>
    </section>`
  const most = tools[0]?.calls ?? 1
  return html`<section class="card">
      <h2>${title}</h2>
      ${usageChart(report, 'calls')}
      <p class="small"><a href="${path('/usage')}">All usage</a></p>
    </section>
    <section class="card">
      <h2>Most used tools</h2>
      <table class="bars">
        <thead class="unseen">
          <tr>
            <th scope="col">Tool</th>
            <th scope="col">Share</th>
            <th scope="col">Calls</th>
          </tr>
        </thead>
        <tbody>
          ${tools.slice(0, MOST).map(
            ({ tool, calls, failures }) =>
              html`<tr>
                <th scope="row" class="mono">${tool}</th>
                <td>
                  <svg
                    class="meter"
                    viewBox="0 0 100 4"
                    width="100%"
                    height="8"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    <rect width="${Math.round((calls / most) * 1000) / 10}" height="4" />
                  </svg>
                </td>
                <td class="right nowrap">
                  ${count(calls)}${failures > 0 && html` <span class="soft">(${count(failures)} failed)</span>`}
                </td>
              </tr> `,
          )}
        </tbody>
      </table>
    </section>`
}
