import { html, type Html } from '#base/html.ts'
import type { WaitingRecord } from '#tenancy/claims-waiting.ts'
import type { ConsoleDeps } from './deps.ts'
import { formToken } from './frame.ts'
import {
  operatorPath,
  type OperatorForm,
  type OperatorPage,
  type OperatorPlace,
  type OperatorSection,
} from './operator-pages.ts'
import { chip, doneNote, empty, freshHint, head, problemNote, when } from './parts.ts'

const DONE = { approved: 'The domain is verified for the tenant that proved it.' }

/** Proved domains that wait for an operator's word (D8). */
export function waitingClaimsSection({ registry }: Pick<ConsoleDeps, 'registry'>): OperatorSection {
  const page: OperatorPage = {
    path: '/claims',
    title: 'Domain claims',
    async show(place, { problem, done }) {
      const waiting = await registry.claims.waiting(place.actor)
      return html`${head('Domain claims', 'Proved by DNS, and not decided: another tenant has the domain, or its proof lapsed once.')}
      ${doneNote(DONE, done)} ${problemNote(problem)}
      ${
        waiting.length === 0
          ? empty('Nothing waits', 'A claim shows here when its proof is right and an operator has to decide.')
          : waiting.map((claim) => card(place, claim))
      }`
    },
  }

  const approve: OperatorForm = {
    path: '/claims/approve',
    page,
    async run({ actor }, fields) {
      const tenant = await registry.tenants.get(actor, fields.text('slug'))
      await registry.claims.approve(tenant, actor, fields.text('domain'))
      return operatorPath('/claims?done=approved')
    },
  }

  return { pages: [page], forms: [approve] }
}

const card = (
  { csrf, now, session }: OperatorPlace,
  { slug, domain, why, held_by, awaiting_since }: WaitingRecord,
): Html =>
  html`<section class="card">
    <h2 class="row">
      ${domain} ${why === 'contested' ? chip('bad', 'another tenant has it') : chip('warn', 'lapsed once')}
    </h2>
    <dl class="facts">
      <dt>Proved by</dt>
      <dd><a href="${operatorPath(`/tenants/${slug}`)}">${slug}</a></dd>
      <dt>Held by</dt>
      <dd>${held_by === null ? 'nobody' : html`<a href="${operatorPath(`/tenants/${held_by}`)}">${held_by}</a>`}</dd>
      <dt>Waiting since</dt>
      <dd>${when(awaiting_since, now)}</dd>
    </dl>
    <p class="hint">
      ${
        held_by === null
          ? `Approving verifies ${domain} for ${slug}: people with its addresses can join there.`
          : `Approving takes ${domain} from ${held_by}, which keeps its members and data, and gives it to ${slug}.`
      }
      The record is looked up once more.
    </p>
    <form method="post" action="${operatorPath('/claims/approve')}" data-confirm="Give ${domain} to ${slug}?">
      ${formToken(csrf)}
      <input type="hidden" name="slug" value="${slug}" /><input type="hidden" name="domain" value="${domain}" />
      ${freshHint(session)}
      <div class="actions"><button class="primary">Approve for ${slug}</button></div>
    </form>
  </section>`
