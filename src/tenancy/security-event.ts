import type { Log } from '#base/log.ts'
import type { AuditEntry } from './audit.ts'
import type { Principal } from './tenant.ts'

type Category = 'authentication' | 'configuration' | 'database' | 'iam' | 'session' | 'web' | 'api'
type Type = 'access' | 'allowed' | 'change' | 'creation' | 'deletion' | 'denied' | 'end' | 'info' | 'start'

const of = (category: Category, ...type: Type[]) => ({ category, type }) as const

/**
 * Every security event: its name (ECS `event.action`) with its ECS category and type. Names are the actions of the audit and never
 * change their meaning; docs/operations/security-events.md lists them (tested).
 */
export const SECURITY_EVENTS = {
  'session.started': of('authentication', 'start'),
  'session.ended': of('session', 'end'),
  'session.ended_everywhere': of('session', 'end'),
  'token.issued': of('authentication', 'creation'),
  'token.revoked': of('authentication', 'deletion'),
  'request.refused': of('authentication', 'denied'),
  'limit.reached': of('web', 'denied'),
  'wall.refused': of('database', 'denied'),
  'key.created': of('iam', 'creation'),
  'key.updated': of('iam', 'change'),
  'key.rotated': of('iam', 'change'),
  'key.revoked': of('iam', 'deletion'),
  'key.adopted': of('iam', 'change'),
  'member.added': of('iam', 'creation'),
  'member.joined': of('iam', 'creation'),
  'member.requested': of('iam', 'info'),
  'member.approved': of('iam', 'creation'),
  'member.declined': of('iam', 'denied'),
  'member.removed': of('iam', 'deletion'),
  'member.role_changed': of('iam', 'change'),
  'member.home_chosen': of('iam', 'change'),
  'member.tokens_revoked': of('iam', 'change'),
  'person.blocked': of('iam', 'denied'),
  'person.unblocked': of('iam', 'allowed'),
  'invitation.created': of('iam', 'creation'),
  'invitation.sent_again': of('iam', 'change'),
  'invitation.revoked': of('iam', 'deletion'),
  'invitation.accepted': of('iam', 'creation'),
  'confirmation.asked': of('iam', 'info'),
  'confirmation.confirmed': of('iam', 'allowed'),
  'confirmation.discarded': of('iam', 'denied'),
  'domain.added': of('configuration', 'creation'),
  'domain.claimed': of('configuration', 'creation'),
  'domain.changed': of('configuration', 'change'),
  'domain.approved': of('configuration', 'change'),
  'domain.verified': of('configuration', 'change'),
  'domain.reproved': of('configuration', 'change'),
  'domain.contested': of('configuration', 'change'),
  'domain.taken_over': of('configuration', 'change'),
  'domain.recovered': of('configuration', 'change'),
  'domain.failing': of('configuration', 'info'),
  'domain.lapsed': of('configuration', 'change'),
  'domain.expired': of('configuration', 'deletion'),
  'domain.claim_expired': of('configuration', 'deletion'),
  'domain.removed': of('configuration', 'deletion'),
  'organization.added': of('configuration', 'creation'),
  'organization.removed': of('configuration', 'deletion'),
  'tenant.created': of('configuration', 'creation'),
  'tenant.provisioned': of('configuration', 'creation'),
  'tenant.renamed': of('configuration', 'change'),
  'tenant.settings_changed': of('configuration', 'change'),
  'tenant.tools_changed': of('configuration', 'change'),
  'tenant.suspended': of('configuration', 'change'),
  'tenant.resumed': of('configuration', 'change'),
  'tenant.deletion_asked': of('configuration', 'change'),
  'tenant.kept': of('configuration', 'change'),
  'tenant.deleted': of('configuration', 'deletion'),
  'tenant.exported': of('database', 'access'),
  'tenant.imported': of('database', 'creation'),
  'tenant.plan_changed': of('configuration', 'change'),
  'plan.set': of('configuration', 'change'),
  'plan.removed': of('configuration', 'deletion'),
  'upstream.set': of('configuration', 'change'),
  'upstream.removed': of('configuration', 'deletion'),
  'tenant.backed_up': of('database', 'access'),
  'tenant.restored': of('database', 'creation'),
  'tenant.move_begun': of('configuration', 'change'),
  'tenant.moved': of('configuration', 'change'),
  'tenant.move_cancelled': of('configuration', 'change'),
  'tenant.move_confirmed': of('configuration', 'deletion'),
  'see_as.began': of('session', 'start'),
  'see_as.viewed': of('database', 'access'),
  'see_as.ended': of('session', 'end'),
  'audit.read': of('database', 'access'),
  'audit.exported': of('database', 'access'),
  'audit.retention': of('database', 'deletion'),
} as const satisfies Record<string, ReturnType<typeof of>>

type SecurityEventName = keyof typeof SECURITY_EVENTS

/** In the fields of the Elastic Common Schema (ECS 8), nested; what has no field there is under `gatehouse`. */
export interface SecurityEvent {
  readonly event: {
    readonly kind: 'event'
    readonly module: 'gatehouse'
    readonly action: string
    readonly category: readonly string[]
    readonly type: readonly string[]
    readonly outcome: 'success' | 'failure'
    /** Of what was refused: the code. */
    readonly reason?: string
  }
  readonly user?: { readonly id: string; readonly domain?: string }
  readonly source?: { readonly ip: string }
  readonly organization?: { readonly id: string }
  readonly gatehouse?: Readonly<Record<string, unknown>>
  /** As in every other line of the log. */
  readonly request_id?: string
}

/** Takes events that are committed. Never throws. */
export type SecurityEvents = (event: SecurityEvent) => void

/** A service token was made of a key: its row is in the tenant's own audit. */
export const tokenIssued = (
  { identity, tenant }: Principal,
  jti: string,
  from: { readonly ip: string | null; readonly requestId: string },
): SecurityEvent =>
  securityEvent({
    at: 0,
    tenant_id: tenant.id,
    iss: identity.iss,
    sub: identity.sub,
    key_id: identity.key?.id ?? null,
    action: 'token.issued',
    target: jti,
    outcome: 'ok',
    latency_ms: null,
    request_id: from.requestId,
    ip: from.ip,
    detail: null,
    arguments_digest: null,
  })

/** One line of the log for each. */
export const logEvents =
  (log: Log): SecurityEvents =>
  (event) =>
    log.info(event, 'security event')

/** What an entry of the audit is called as an event: refusals are one event each for limits and for the rest, tool calls `tool.called`. */
export function eventFields(action: string, outcome: AuditEntry['outcome']): SecurityEvent['event'] {
  const always = { kind: 'event', module: 'gatehouse' } as const
  if (action.startsWith(REFUSED)) {
    const reason = action.slice(REFUSED.length)
    const name: SecurityEventName = LIMITS.has(reason) ? 'limit.reached' : 'request.refused'
    return { ...always, action: name, ...ecs(SECURITY_EVENTS[name]), outcome: 'failure', reason }
  }
  const kind = isEventName(action) ? SECURITY_EVENTS[action] : null
  const name = kind === null && !action.includes('.') ? 'tool.called' : action
  return {
    ...always,
    action: name,
    ...ecs(kind ?? of('api', 'access')),
    outcome: outcome === 'ok' ? 'success' : 'failure',
  }
}

const REFUSED = 'refused.'
const LIMITS: ReadonlySet<string> = new Set(['rate_limited', 'provision_limited'])

const ecs = ({ category, type }: { readonly category: string; readonly type: readonly string[] }) => ({
  category: [category],
  type,
})

const isEventName = (name: string): name is SecurityEventName => Object.hasOwn(SECURITY_EVENTS, name)

/** Of these the detail holds names of settings, roles and states, and nobody's address. */
const TELLING: ReadonlySet<string> = new Set(['tenant.settings_changed', 'member.role_changed'])

/**
 * An entry of the audit as an event. For the log, which goes further than the audit: no email address, and of the detail what is known to
 * hold none. `whole`: for an operator who reads the audit itself.
 */
export function securityEvent(entry: AuditEntry, { whole = false }: { readonly whole?: boolean } = {}): SecurityEvent {
  const { action, outcome, iss, sub, key_id: key, target, tenant_id: tenant, ip, detail, request_id: request } = entry
  const event = eventFields(action, outcome)
  const aim = target !== null && (whole || !target.includes('@')) ? { target } : {}
  const more = detail !== null && (whole || TELLING.has(action)) ? { detail } : {}
  const tool = event.action === 'tool.called' ? { tool: action } : {}
  const own = { ...aim, ...more, ...tool, ...(key === null ? {} : { key_id: key }) }
  return {
    event,
    ...(sub === null ? {} : { user: { id: sub, ...(iss === null ? {} : { domain: iss }) } }),
    ...(ip === null ? {} : { source: { ip } }),
    ...(tenant === null ? {} : { organization: { id: tenant } }),
    ...(Object.keys(own).length === 0 ? {} : { gatehouse: own }),
    ...(request === null ? {} : { request_id: request }),
  }
}
