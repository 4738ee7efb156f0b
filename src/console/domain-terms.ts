import { html, type Html } from '#base/html.ts'
import { termsOfText, type DomainTerms } from '#tenancy/claims-terms.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Fields } from './fields.ts'
import { formToken } from './frame.ts'
import { boxes, checkbox, problemNote, radios, select } from './parts.ts'
import type { Place, View } from './tenant-pages.ts'

export const TERMS_FORM = '/domains/:domain/joining'

/** Says that the form was sent: a box that is not ticked sends nothing. */
const SENT = 'joining'

const ROLES = [
  ['viewer', 'Viewer: reads'],
  ['member', 'Member: reads and writes'],
  ['admin', 'Admin: looks after the organisation as well'],
] as const

/** How people join by a domain. */
export function termsForm(place: Place, view: View, record: DomainRecord, providers: ConsoleDeps['vouchers']): Html {
  const problem = view.problem?.form === TERMS_FORM ? view.problem : null
  const { domain } = record
  const typed = view.values.has(SENT)
  const text = (name: 'join_mode' | 'default_role'): string => (typed ? view.values.text(name) : record[name])
  const has = (name: 'include_subdomains' | 'allow_once'): boolean => (typed ? view.values.has(name) : record[name])
  const asserted = typed ? view.values.all('asserted_by') : record.asserted_by
  const gone = record.asserted_by.filter((id) => !providers.some((provider) => provider.id === id))
  return html`<section class="card" id="joining">
    <h2>How people join</h2>
    <form method="post" action="${place.path(`/domains/${domain}/joining`)}">
      ${formToken(place.csrf)}<input type="hidden" name="${SENT}" value="1" /> ${problemNote(problem)}
      ${radios({
        name: 'join_mode',
        label: `Somebody signs in with an address at ${domain}`,
        options: [
          ['auto', 'They are let in', 'At once, with the role below.'],
          ['request', 'They ask to be let in', 'You find the request under People, and approve or decline it.'],
          [
            'invite',
            'Nothing happens',
            'Only people you invite come in. The domain is still yours, and nobody else can take it.',
          ],
        ],
        chosen: [text('join_mode')],
        problem,
      })}
      ${select({ name: 'default_role', label: 'Role they begin with', options: ROLES, value: text('default_role'), problem })}
      ${boxes({
        name: 'asserted_by',
        label: 'Sign-ins that count',
        hint: `An address at ${domain} is believed only from these. Tick the ones your organisation uses.`,
        options: [
          ...providers.map(({ id, label }) => [id, label] as const),
          ...gone.map((id) => [id, id, 'Not configured here at present.'] as const),
        ],
        chosen: asserted,
        problem,
      })}
      <fieldset>
        <legend>Which addresses</legend>
        ${checkbox(
          'include_subdomains',
          html`Subdomains too<span class="hint"
              >People at <code>mail.${domain}</code> join as well, unless it is claimed by itself.</span
            >`,
          has('include_subdomains'),
        )}
        ${checkbox(
          'allow_once',
          html`Addresses that were verified only once<span class="hint"
              >GitHub and accounts with a password check an address one day and never again: somebody who left the
              company may still have it. Without this they ask, whatever is chosen above.</span
            >`,
          has('allow_once'),
        )}
      </fieldset>
      <div class="actions"><button>Save how people join</button></div>
    </form>
  </section>`
}

/** What the form says. @throws RegistryError invalid. */
export const termsOf = (fields: Fields): DomainTerms =>
  termsOfText({
    asserted_by: fields.all('asserted_by').filter((id) => id !== ''),
    include_subdomains: fields.has('include_subdomains'),
    allow_once: fields.has('allow_once'),
    join_mode: fields.text('join_mode'),
    default_role: fields.text('default_role'),
  })
