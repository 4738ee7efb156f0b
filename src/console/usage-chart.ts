import { html, type Html } from '#base/html.ts'
import type { UsageCounts, UsagePoint, UsageReport } from '#tenancy/usage.ts'

/** Units of the drawing; it is stretched to the width that there is, and its words stand beside it, so that they keep their size. */
const WIDTH = 1000
const HEIGHT = 200
/** Part of a step's width that is bar. */
const FILLED = 0.72

/** Calls per hour or day as bars, the failed ones at their foot, with the same numbers as a table. Ids are made from `id`. */
export function usageChart(report: Pick<UsageReport, 'series' | 'step' | 'totals'>, id: string): Html {
  const { series, step, totals } = report
  const top = roundUp(Math.max(1, ...series.map(({ calls }) => calls)))
  const title = `Calls per ${step}`
  return html`<figure class="chart">
    <div class="plot">
      <div class="axis-y" aria-hidden="true">
        <span>${count(top)}</span><span>${count(top / 2)}</span><span>0</span>
      </div>
      <svg
        role="img"
        aria-labelledby="${id}-title ${id}-desc"
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        width="100%"
        height="${HEIGHT}"
      >
        <title id="${id}-title">${title}</title>
        <desc id="${id}-desc">${described(report)}</desc>
        ${[0, 0.5, 1].map(
          (part) => html`<line class="grid" x1="0" x2="${WIDTH}" y1="${part * HEIGHT}" y2="${part * HEIGHT}" />`,
        )}
        ${series.map((point, at) => bar(point, at, series.length, top, step))}
      </svg>
    </div>
    <div class="axis-x" aria-hidden="true">${axis(series, step).map((text) => html`<span>${text}</span>`)}</div>
    <figcaption class="row small">
      <span class="key"
        ><svg width="10" height="10" aria-hidden="true"><rect class="bar" width="10" height="10" /></svg> calls</span
      >
      ${
        totals.failures > 0 &&
        html`<span class="key"
          ><svg width="10" height="10" aria-hidden="true"><rect class="bad" width="10" height="10" /></svg> of which
          failed</span
        >`
      }
      <span class="soft">Times are UTC.</span>
    </figcaption>
    <details>
      <summary>The same numbers as a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="${title}">
        <table>
          <thead>
            <tr>
              <th scope="col">${step === 'day' ? 'Day' : 'Hour'}</th>
              <th scope="col" class="right">Calls</th>
              <th scope="col" class="right">Failed</th>
              <th scope="col" class="right">Refused</th>
            </tr>
          </thead>
          <tbody>
            ${series.toReversed().map(
              ({ at, calls, failures, refusals }) =>
                html`<tr>
                  <th scope="row" class="nowrap">${label(at, step)}</th>
                  <td class="right">${count(calls)}</td>
                  <td class="right">${count(failures)}</td>
                  <td class="right">${count(refusals)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`
}

function bar(
  { at, calls, failures }: UsagePoint,
  index: number,
  steps: number,
  top: number,
  step: 'hour' | 'day',
): Html | null {
  if (calls === 0) return null
  const width = WIDTH / steps
  const [x, w] = [round(index * width + (width * (1 - FILLED)) / 2), round(width * FILLED)]
  const tall = (part: number): number => round((part / top) * HEIGHT)
  const [whole, failed] = [tall(calls), tall(failures)]
  return html`<g>
    <title>${label(at, step)}: ${count(calls)} calls, ${count(failures)} failed</title>
    <rect class="bar" x="${x}" y="${round(HEIGHT - whole)}" width="${w}" height="${round(whole - failed)}" />
    ${failures > 0 && html`<rect class="bad" x="${x}" y="${round(HEIGHT - failed)}" width="${w}" height="${failed}" />`}
  </g>`
}

/** For those who hear the picture. */
function described({ series, step, totals }: Pick<UsageReport, 'series' | 'step' | 'totals'>): string {
  const most = series.reduce<UsagePoint | null>((a, b) => (a === null || b.calls > a.calls ? b : a), null)
  const busiest = most === null || most.calls === 0 ? '' : ` Most on ${label(most.at, step)}: ${count(most.calls)}.`
  return `${count(totals.calls)} calls in ${series.length} ${step}s, ${count(totals.failures)} of them failed.${busiest}`
}

/** The first, the middle and the last step. */
function axis(series: readonly UsagePoint[], step: 'hour' | 'day'): readonly string[] {
  const points = [series[0], series[Math.floor((series.length - 1) / 2)], series.at(-1)]
  return points.flatMap((point) => (point === undefined ? [] : [label(point.at, step)]))
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `21 Nov`, `21 Nov 13:00`. */
const label = (at: string, step: 'hour' | 'day'): string => {
  const day = `${Number(at.slice(8, 10))} ${MONTHS[Number(at.slice(5, 7)) - 1]}`
  return step === 'day' ? day : `${day} ${at.slice(11, 16)}`
}

/** 1, 2, 4, 10, 20, 40, 100 ...: so that half of it is a number people know. */
function roundUp(most: number): number {
  const size = 10 ** Math.floor(Math.log10(most))
  return ([2, 4, 10].find((step) => most <= step * size) ?? 10) * size
}

const round = (value: number): number => Math.round(value * 100) / 100

/** `12,345` */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `3.4 %` of the calls; nothing without calls. */
export const share = ({ calls, failures }: Pick<UsageCounts, 'calls' | 'failures'>): string =>
  calls === 0 ? '-' : `${Math.round((failures / calls) * 1000) / 10} %`

/** The mean, `12 ms` or `1.2 s`. */
export function mean({ calls, total_ms }: Pick<UsageCounts, 'calls' | 'total_ms'>): string {
  if (calls === 0) return '-'
  const ms = total_ms / calls
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`
}
