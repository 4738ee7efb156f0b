import type { DomainRow } from './claims-row.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { boundedText } from './text.ts'

/** How people join by a domain. */
export interface DomainTerms {
  /** Provider ids that may assert an address of it (D6); at least one, at most 20. Not checked against what is configured now. */
  readonly asserted_by: readonly string[]
  readonly include_subdomains: boolean
  readonly join_mode: DomainRow['join_mode']
  readonly default_role: DomainRow['default_role']
  /** May a once-verified address join by itself (D7)? */
  readonly allow_once: boolean
}

const MODES = ['auto', 'invite', 'request'] as const satisfies DomainRow['join_mode'][]
const ROLES = ['viewer', 'member', 'admin'] as const satisfies DomainRow['default_role'][]
const MOST_PROVIDERS = 20

/** The terms of a new claim: what is not said is a person's own provider, joining by itself, member, this name alone, live evidence only. */
export function claimTerms(actor: Actor, given: Partial<DomainTerms>): DomainTerms {
  const own =
    actor.kind === 'person' && actor.principal.identity.key === null ? [actor.principal.identity.provider] : []
  return checked({
    asserted_by: own,
    include_subdomains: false,
    join_mode: 'auto',
    default_role: 'member',
    allow_once: false,
    ...given,
  })
}

/** What a form says, where everything is text. invalid. */
export function termsOfText(
  given: Omit<DomainTerms, 'join_mode' | 'default_role'> & {
    readonly join_mode: string
    readonly default_role: string
  },
): DomainTerms {
  return { ...given, join_mode: modeOf(given.join_mode), default_role: roleOf(given.default_role) }
}

/** null: they are what they were. */
export function changedTerms(row: DomainTerms, changes: Partial<DomainTerms>): DomainTerms | null {
  const { asserted_by, include_subdomains, join_mode, default_role, allow_once } = row
  const before = { asserted_by, include_subdomains, join_mode, default_role, allow_once }
  const after = checked({ ...before, ...changes })
  return JSON.stringify(before) === JSON.stringify(after) ? null : after
}

/** invalid: not what the registry can hold, whatever the types said: this comes from forms too. */
function checked(terms: DomainTerms): DomainTerms {
  const asserted = [...new Set(terms.asserted_by.map((id) => boundedText('a provider', id, 64)))]
  if (asserted.length === 0 || asserted.length > MOST_PROVIDERS)
    throw new RegistryError(
      'invalid',
      'name the providers that may assert addresses of the domain, 1 to 20',
      'asserted_by',
    )
  const [join_mode, default_role] = [modeOf(terms.join_mode), roleOf(terms.default_role)]
  const { include_subdomains, allow_once } = terms
  return { asserted_by: asserted, include_subdomains, join_mode, default_role, allow_once }
}

function modeOf(text: string): DomainTerms['join_mode'] {
  const mode = MODES.find((each) => each === text)
  if (mode === undefined) throw new RegistryError('invalid', 'people join by auto, request or invite', 'join_mode')
  return mode
}

function roleOf(text: string): DomainTerms['default_role'] {
  const role = ROLES.find((each) => each === text)
  if (role === undefined)
    throw new RegistryError('invalid', 'the first role is viewer, member or admin', 'default_role')
  return role
}
