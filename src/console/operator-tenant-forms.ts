import { html, type Html } from '#base/html.ts'
import type { TenantSummary } from '#tenancy/tenant-search.ts'
import { formToken } from './frame.ts'
import { operatorPath, type OperatorPlace } from './operator-pages.ts'
import { freshHint, input, problemNote, sure, utc } from './parts.ts'
import type { Problem, View } from './tenant-pages.ts'

/** The problem of this form, if it is this one's. */
const own = ({ problem }: View, below: string): Problem | null =>
  problem?.form === `/tenants/:name/${below}` ? problem : null

const action = ({ slug }: TenantSummary, below: string): string => operatorPath(`/tenants/${slug}/${below}`)

/** D37: as its admin sees it. */
export function seeAsOf({ csrf, session }: OperatorPlace, view: View, tenant: TenantSummary): Html {
  const problem = own(view, 'see-as')
  return html`<section class="card" id="see-as">
    <h2>See as its admin</h2>
    ${problemNote(problem)}
    <p>
      The console of this tenant for 30 minutes, to read and not to change. Its audit log keeps that you looked, why,
      and at which pages.
    </p>
    ${
      tenant.operator_access
        ? html`<form method="post" action="${action(tenant, 'see-as')}">
            ${formToken(csrf)}
            ${input({
              name: 'reason',
              label: 'Reason',
              value: view.values.text('reason'),
              hint: 'Its admins read this, for example the number of their request.',
              problem,
              required: true,
              maxlength: 500,
            })}
            ${freshHint(session)}
            <div class="actions"><button class="primary">See as admin</button></div>
          </form>`
        : html`<div class="note warn">
            <p>
              <strong>Not allowed by this tenant.</strong> An owner has to turn on operator access under Settings first.
            </p>
          </div>`
    }
  </section>`
}

/** What ends access or data. */
export const dangerOf = (place: OperatorPlace, view: View, tenant: TenantSummary): Html =>
  html`<section class="card danger" id="danger">
    <h2>Danger zone</h2>
    ${tenant.status === 'active' ? suspend(place, view, tenant) : resume(place, view, tenant)}
    <hr />
    ${tenant.delete_after === null ? remove(place, view, tenant) : keep(place, view, tenant, tenant.delete_after)}
  </section>`

const suspend = ({ csrf, session }: OperatorPlace, view: View, tenant: TenantSummary): Html =>
  html`<h3>Suspend</h3>
    ${problemNote(own(view, 'suspend'))}
    <p>All access ends at once, keys and sessions too; the data stays.</p>
    <form method="post" action="${action(tenant, 'suspend')}">
      ${formToken(csrf)}
      ${input({
        name: 'suspend_reason',
        label: 'Reason',
        value: view.values.text('suspend_reason'),
        hint: 'For the audit.',
        problem: own(view, 'suspend'),
        required: true,
        maxlength: 500,
      })}
      ${sure('End all access of this tenant now', own(view, 'suspend'))} ${freshHint(session)}
      <div class="actions"><button class="danger">Suspend ${tenant.slug}</button></div>
    </form>`

const resume = ({ csrf, session }: OperatorPlace, view: View, tenant: TenantSummary): Html =>
  html`<h3>Resume</h3>
    ${problemNote(own(view, 'resume'))}
    <p>It is suspended: nobody of it has access. Its people, keys and data are as they were.</p>
    <form method="post" action="${action(tenant, 'resume')}">
      ${formToken(csrf)} ${freshHint(session)}
      <div class="actions"><button class="primary">Resume ${tenant.slug}</button></div>
    </form>`

const remove = ({ csrf, session }: OperatorPlace, view: View, tenant: TenantSummary): Html =>
  html`<h3>Delete</h3>
    ${problemNote(own(view, 'delete'))}
    <p>
      After a time of waiting, in which it works on and this can be taken back, its schema and all its data are deleted
      for good. Its slug is never used again.
    </p>
    <form method="post" action="${action(tenant, 'delete')}">
      ${formToken(csrf)}
      ${input({
        name: 'word',
        label: html`<span>Type <code>${tenant.slug}</code> to confirm</span>`,
        // Never from the address: a link could type it for them.
        value: own(view, 'delete') === null ? '' : view.values.text('word'),
        problem: own(view, 'delete'),
        required: true,
        maxlength: 41,
      })}
      ${freshHint(session)}
      <div class="actions"><button class="danger">Delete ${tenant.slug}</button></div>
    </form>`

const keep = ({ csrf, session }: OperatorPlace, view: View, tenant: TenantSummary, after: string): Html =>
  html`<h3>Keep it</h3>
    ${problemNote(own(view, 'keep'))}
    <p>It is deleted after ${utc(Date.parse(after))} unless somebody takes that back.</p>
    <form method="post" action="${action(tenant, 'keep')}">
      ${formToken(csrf)} ${freshHint(session)}
      <div class="actions"><button class="primary">Keep ${tenant.slug}</button></div>
    </form>`
