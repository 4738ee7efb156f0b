import { html, type Html } from '#base/html.ts'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import { formToken } from './frame.ts'
import { checkbox, freshHint, input, problemNote, utc } from './parts.ts'
import type { Place, Problem, View } from './tenant-pages.ts'

/** The problem of this form, if it is this one's. */
export const own = ({ problem }: View, below: string): Problem | null =>
  problem?.form === `/settings/${below}` ? problem : null

export const begin = ({ csrf, path }: Place, below: string, body: Html): Html =>
  html`<form method="post" action="${path(`/settings/${below}`)}">${formToken(csrf)} ${body}</form>`

export const nameForm = (place: Place, view: View, { name }: TenantRecord): Html =>
  html`<section class="card" id="rename">
    <h2>Name</h2>
    ${problemNote(own(view, 'name'))}
    ${begin(
      place,
      'name',
      html`${input({
          name: 'name',
          label: 'Name of the organisation',
          value: own(view, 'name') === null ? name : view.values.text('name'),
          hint: 'What people see here, in their clients and when they sign in. Addresses stay as they are.',
          problem: own(view, 'name'),
          required: true,
          maxlength: 200,
        })}
        <div class="actions"><button class="primary">Rename</button></div>`,
    )}
  </section>`

/** What owners turn on and off (D32, D37). */
export function switchesForm(place: Place, view: View, record: TenantRecord): Html {
  // Boxes that are not ticked are not sent: the hidden field says that the form was, and waits for a fresh sign-in.
  const typed = view.values.has('switches')
  const ticked = (name: 'mcp_admin' | 'operator_access'): boolean => (typed ? view.values.has(name) : record[name])
  return html`<section class="card" id="switches">
    <h2>What may be done</h2>
    ${problemNote(own(view, 'switches'))}
    ${begin(
      place,
      'switches',
      html`<input type="hidden" name="switches" value="1" /> ${checkbox(
          'mcp_admin',
          html`Admins and owners have their power over MCP, too
            <span class="hint"
              >Then an agent can list people and keys, and prepare changes, for an admin who asks it to. A document it
              reads can talk it into things: what changes power still waits for the admin’s own yes in this console.
              Off: over MCP everybody works with data only.</span
            >`,
          ticked('mcp_admin'),
        )}
        ${checkbox(
          'operator_access',
          html`Operators of this server may look at this console as an admin sees it
            <span class="hint"
              >For 30 minutes, with a reason, to read and not to change. The audit log keeps who looked, why and at
              which pages. Off: they see that the organisation is there, and none of its data here.</span
            >`,
          ticked('operator_access'),
        )}
        ${freshHint(place.session)}
        <div class="actions"><button class="primary">Save</button></div>`,
    )}
  </section>`
}

export const exportForm = (place: Place, view: View): Html =>
  html`<section class="card" id="export">
    <h2>Export</h2>
    ${problemNote(own(view, 'export'))}
    <p>
      Everything this organisation has as one file (<code>.tar.gz</code>): its data, its audit log, its members, domains
      and keys. No secret is in it, but names, addresses and all data are: keep it well.
    </p>
    ${begin(
      place,
      'export',
      html`${freshHint(place.session)}
        <div class="actions"><button>Download the export</button></div>`,
    )}
  </section>`

/** What ends: the organisation, or one's own membership. */
export const dangerOf = (place: Place, view: View, record: TenantRecord, days: number): Html =>
  html`<section class="card danger" id="danger">
    <h2>Danger zone</h2>
    <h3>Leave</h3>
    <p>You lose access to everything here, and the API keys you made stop.</p>
    <p><a class="button" href="/console/account/leave?organisation=${record.slug}">Leave ${record.name}</a></p>
    ${record.delete_after !== null && ending(place, view, record, record.delete_after)}
    ${record.delete_after === null && place.may('tenant:owner') && remove(place, view, record, days)}
  </section>`

const ending = (place: Place, view: View, { name, delete_asked_by: by }: TenantRecord, after: string): Html =>
  html`<hr />
    <h3>To be deleted</h3>
    ${problemNote(own(view, 'keep'))}
    <p>
      ${name} is deleted after <strong>${utc(Date.parse(after))}</strong>, with everything in it.
      ${by !== null && html`Asked for by <code>${by}</code>.`} Until then it works as ever, and an owner can take this
      back.
    </p>
    ${
      place.may('tenant:owner') &&
      begin(
        place,
        'keep',
        html`${freshHint(place.session)}
          <div class="actions"><button class="primary">Keep ${name}</button></div>`,
      )
    }`

const remove = (place: Place, view: View, { slug, name }: TenantRecord, days: number): Html =>
  html`<hr />
    <h3>Delete</h3>
    ${problemNote(own(view, 'delete'))}
    <p>
      ${
        days === 0
          ? html`Its schema and all its data are deleted for good, within minutes. This cannot be taken back.`
          : html`It works on for ${days} ${days === 1 ? 'day' : 'days'}, in which every owner can take this back. Then
            its schema and all its data are deleted for good.`
      }
      Download the export first if you may want to come back.
    </p>
    ${begin(
      place,
      'delete',
      html`${input({
          name: 'word',
          label: html`<span>Type <code>${slug}</code> to confirm</span>`,
          value: view.values.text('word'),
          problem: own(view, 'delete'),
          required: true,
          maxlength: 41,
        })}
        ${freshHint(place.session)}
        <div class="actions"><button class="danger">Delete ${name}</button></div>`,
    )}`
