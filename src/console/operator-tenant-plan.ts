import { html, type Html } from '#base/html.ts'
import { PLAN_LIMITS, type PlanRecord } from '#tenancy/plans.ts'
import type { Tenant, TenantLimits } from '#tenancy/tenant.ts'
import { formToken } from './frame.ts'
import { operatorPath, type OperatorPlace } from './operator-pages.ts'
import { freshHint, problemNote, select } from './parts.ts'
import type { View } from './tenant-pages.ts'

const WORDS: Readonly<Record<keyof TenantLimits, string>> = {
  calls_per_minute: 'Calls a minute',
  calls_per_minute_principal: 'Calls a minute, one person or key',
  concurrent_calls: 'Calls at the same time',
  result_bytes: 'Bytes of a result',
  call_seconds: 'Seconds of a call',
  keys: 'API keys of a member',
}

/** What a tenant may do at most, and the form that gives it another plan. */
export function planOf(
  { csrf, session }: OperatorPlace,
  view: View,
  tenant: Tenant,
  plans: readonly PlanRecord[],
): Html {
  const problem = view.problem?.form === '/tenants/:name/plan' ? view.problem : null
  return html`<section class="card" id="plan">
    <h2>Plan</h2>
    ${problemNote(problem)}
    <dl class="facts">
      ${PLAN_LIMITS.map(
        (limit) =>
          html`<dt>${WORDS[limit]}</dt>
            <dd>${tenant.limits[limit]?.toLocaleString('en') ?? 'what the server says'}</dd>`,
      )}
    </dl>
    ${
      plans.length === 0
        ? html`<p class="hint">
            There are no plans. Make one: <code>gatehouse plan set basic --calls-per-minute 600</code>
          </p>`
        : html`<form method="post" action="${operatorPath(`/tenants/${tenant.slug}/plan`)}">
            ${formToken(csrf)}
            ${select({
              name: 'plan',
              label: 'Plan',
              options: [
                ['', 'None: the limits of the server'],
                ...plans.map(({ name, title }) => [name, title] as const),
              ],
              value: problem === null ? (tenant.plan ?? '') : view.values.text('plan'),
              problem,
            })}
            ${freshHint(session)}
            <div class="actions"><button class="primary">Set the plan</button></div>
          </form>`
    }
  </section>`
}
