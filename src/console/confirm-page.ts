import { html, type Html } from '#base/html.ts'
import { confirmable } from '#desk/chat.ts'
import type { Desk, Operation } from '#desk/operation.ts'
import type { ConfirmationRecord } from '#tenancy/confirmations.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { formToken } from './frame.ts'
import { makerOf } from './key-parts.ts'
import { copyLine, head, problemNote, when } from './parts.ts'
import type { Place, TenantPage, TenantSection } from './tenant-pages.ts'

/** Where a person says yes or no to what their chat asked for (D32): what it would do, in full, with a fresh sign-in. */
export function confirmSection(desk: Desk): TenantSection {
  const { registry } = desk

  const page: TenantPage = {
    path: '/confirm/:id',
    current: '',
    title: 'Confirm',
    scope: 'tenant:admin',
    async show(place, view) {
      const request = await registry.confirmations.show(place.tenant, place.actor, place.params['id'] ?? '')
      const { title, description } = operationOf(request)
      const asked = request.client_id === null ? 'A chat' : html`The client <code>${request.client_id}</code>`
      return html`${head(title, html`${asked} asked for this in your name ${when(request.created_at, place.now)}. Did you?`)}
        ${problemNote(view.problem)}
        <section class="card">
          <p>${description}</p>
          ${facts(await named(place, request.input))}
        </section>
        <p class="note warn">
          <strong>Nothing is done yet.</strong> If you did not ask for it, discard it: text in a document can talk a
          chat into asking.
        </p>
        <div class="actions">
          ${button(place, `/confirm/${request.id}`, html`<button class="primary">Confirm: ${title.toLowerCase()}</button>`)}
          ${button(place, `/confirm/${request.id}/discard`, html`<button>Discard</button>`)}
        </div>`
    },
  }

  /** People and keys by name: nobody says yes to an id. What is not there any more stays as it was given. */
  async function named({ tenant, actor }: Place, input: ConfirmationRecord['input']): Promise<typeof input> {
    const { member, id, ...others } = input
    try {
      if (typeof member === 'string') {
        const { name, email, user_id, role } = await registry.members.show(tenant, actor, member)
        // Each by itself: a name is what its person wrote, and could go on with the address of somebody else.
        return { person: name ?? email ?? user_id, address: email ?? 'unknown', user_id, present_role: role, ...others }
      }
      if (typeof id !== 'string') return input
      const key = await registry.keys.show(tenant, actor, id)
      return { key: `${key.name} (gh_key_${id}), made by ${makerOf(key)}`, ...others }
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'unknown') return input
      throw error
    }
  }

  const said: TenantPage = {
    path: '/confirm/settled',
    current: '',
    title: 'Discarded',
    scope: 'tenant:admin',
    show: async (place) =>
      html`${head('Discarded', 'Nothing was changed. You can close this page.')}
        <p><a class="button" href="${place.path('')}">To the overview</a></p>`,
  }

  return {
    pages: [said, page],
    forms: [
      {
        path: '/confirm/:id',
        page,
        scope: 'tenant:admin',
        fresh: true,
        async run(place) {
          const { tenant, actor } = place
          const request = await registry.confirmations.take(tenant, actor, place.params['id'] ?? '')
          const operation = operationOf(request)
          const input = operation.input.parse(request.input)
          const result = await operation
            .run(input, { ...desk, tenant, actor: personOf(actor) })
            .catch(async (error: unknown) => {
              // Only what was certainly not done may be tried again.
              if (error instanceof RegistryError) await registry.confirmations.putBack(tenant, actor, request.id)
              throw error
            })
          return { title: 'Done', body: done(place, operation, operation.output.parse(result)) }
        },
      },
      {
        path: '/confirm/:id/discard',
        page,
        scope: 'tenant:admin',
        fresh: false,
        async run({ tenant, actor, params }) {
          await registry.confirmations.discard(tenant, actor, params['id'] ?? '')
          return '/confirm/settled'
        },
      },
    ],
  }
}

function operationOf({ operation }: Pick<ConfirmationRecord, 'operation'>): Operation {
  const found = confirmable(operation)
  // Asked for at a replica of another version.
  if (found === null) throw new RegistryError('unknown', `this server does not know how to do ${operation}`)
  return found
}

function personOf(actor: Place['actor']): Extract<Place['actor'], { kind: 'person' }> {
  if (actor.kind !== 'person') throw new RegistryError('forbidden', 'only a person confirms')
  return actor
}

const button = (place: Place, path: string, label: Html): Html =>
  html`<form method="post" action="${place.path(path)}">${formToken(place.csrf)}${label}</form>`

function done(place: Place, { title, secrets = [] }: Operation, result: Readonly<Record<string, unknown>>): Html {
  // The link holds the token, and is what people hand over.
  const inLink = typeof result['link'] === 'string'
  const shown = Object.entries(result).filter(([name]) => secrets.includes(name) && !(inLink && name === 'token'))
  return html`${head(`Done: ${title.toLowerCase()}`, 'You can go back to your chat.')}
    ${shown.map(
      ([name, value]) =>
        html`<div class="note warn">
            <p><strong>Shown this once.</strong> Store it now; it cannot be shown again.</p>
          </div>
          ${copyLine(name, words(name), String(value))}`,
    )}
    <section class="card">
      ${facts(Object.fromEntries(Object.entries(result).filter(([name]) => !secrets.includes(name))))}
    </section>
    <p><a class="button" href="${place.path('')}">To the overview</a></p>`
}

const facts = (of: Readonly<Record<string, unknown>>): Html =>
  html`<dl class="facts">
    ${Object.entries(of)
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(
        ([name, value]) =>
          html`<dt>${words(name)}</dt>
            <dd><code>${typeof value === 'string' ? value : JSON.stringify(value)}</code></dd>`,
      )}
  </dl>`

const words = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`
