import type { z } from 'zod'
import * as audit from '#desk/audit.ts'
import * as domains from '#desk/domains.ts'
import * as invitations from '#desk/invitations.ts'
import * as keys from '#desk/keys.ts'
import { getLimits } from '#desk/limits.ts'
import * as members from '#desk/members.ts'
import type { Call, Operation, OperatorCall } from '#desk/operation.ts'
import * as claims from '#desk/operator-domains.ts'
import * as plans from '#desk/operator-plans.ts'
import * as operators from '#desk/operator-tenants.ts'
import * as requests from '#desk/requests.ts'
import * as tenant from '#desk/tenant.ts'
import * as tools from '#desk/tools.ts'
import { getUsage } from '#desk/usage.ts'
import { whoami } from '#desk/whoami.ts'
import { AUDIT_MEDIA } from '#tenancy/audit-export.ts'

/** One operation at its address. */
export interface ApiRoute<On = Call> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Beneath /api/v1 and /t/{slug}/api/v1; `{name}` is a member of the operation's input. */
  readonly path: string
  readonly operation: Operation<z.ZodObject, z.ZodObject, On>
  /** Under which heading of the reference. */
  readonly group: string
  /** Of a good answer; 204 has no body. */
  readonly status: 200 | 201 | 204
  /** GET answers an ETag, PATCH and DELETE heed If-Match. */
  readonly tagged: boolean
  /** Heeds Idempotency-Key. */
  readonly idempotent: boolean
  /** The member of the answer that completes the path to what was made. */
  readonly made: string | null
  /** Media types of an answer that is no JSON but a file, sent as it grows; [] else. */
  readonly files: readonly string[]
}

type Options = Partial<Pick<ApiRoute<unknown>, 'status' | 'tagged' | 'idempotent' | 'made' | 'files'>>

const group =
  <On = Call>(name: string) =>
  (
    method: ApiRoute['method'],
    path: string,
    operation: Operation<z.ZodObject, z.ZodObject, On>,
    options: Options = {},
  ): ApiRoute<On> => ({
    method,
    path,
    operation,
    group: name,
    status: 200,
    tagged: false,
    idempotent: false,
    made: null,
    files: [],
    ...options,
  })

const you = group('You')
const ofTenant = group('Tenant')
const ofDomains = group('Domains')
const ofMembers = group('Members')
const ofInvitations = group('Invitations')
const ofRequests = group('Requests to join')
const ofKeys = group('API keys')
const ofAudit = group('Audit log')
const ofUsage = group('Usage and limits')

const ofOperators = group<OperatorCall>('Tenants, for operators')
const ofPlans = group<OperatorCall>('Plans, for operators')
const ofClaims = group<OperatorCall>('Domains, for operators')

const TAGGED = { tagged: true } as const
const REMOVED = { tagged: true, status: 204 } as const

/** The whole API. What is not here is not served, and what is here is in the document and in the table of its test. */
export const API_ROUTES: readonly ApiRoute[] = [
  you('GET', '/whoami', whoami),

  ofTenant('GET', '/tenant', tenant.getTenant, TAGGED),
  ofTenant('PATCH', '/tenant', tenant.updateTenant, TAGGED),
  ofTenant('GET', '/tenant/settings', tenant.getTenantSettings, TAGGED),
  ofTenant('PATCH', '/tenant/settings', tenant.updateTenantSettings, TAGGED),
  ofTenant('GET', '/tenant/tools', tools.getTenantTools, TAGGED),
  ofTenant('PATCH', '/tenant/tools', tools.updateTenantTools, TAGGED),
  ofTenant('GET', '/tenant/export', tenant.exportTenant, { files: tenant.ARCHIVE_MEDIA }),
  ofTenant('POST', '/tenant/deletion', tenant.askTenantDeletion),
  ofTenant('DELETE', '/tenant/deletion', tenant.keepTenant, { status: 204 }),

  ofDomains('GET', '/domains', domains.listDomains),
  ofDomains('POST', '/domains', domains.claimDomain, { status: 201, idempotent: true, made: 'domain' }),
  ofDomains('GET', '/domains/{domain}', domains.getDomain, TAGGED),
  ofDomains('PATCH', '/domains/{domain}', domains.updateDomain, TAGGED),
  ofDomains('DELETE', '/domains/{domain}', domains.removeDomain, REMOVED),
  ofDomains('POST', '/domains/{domain}/check', domains.checkDomain),

  ofMembers('GET', '/members', members.listMembers),
  ofMembers('GET', '/members/{member}', members.getMember, TAGGED),
  ofMembers('PATCH', '/members/{member}', members.setMemberRole, TAGGED),
  ofMembers('DELETE', '/members/{member}', members.removeMember, REMOVED),
  ofMembers('POST', '/members/{member}/revoke-tokens', members.revokeMemberTokens, { status: 204 }),

  ofInvitations('GET', '/invitations', invitations.listInvitations),
  ofInvitations('POST', '/invitations', invitations.inviteMember, { status: 201, idempotent: true, made: 'id' }),
  ofInvitations('GET', '/invitations/{invitation}', invitations.getInvitation, TAGGED),
  ofInvitations('DELETE', '/invitations/{invitation}', invitations.revokeInvitation, REMOVED),
  ofInvitations('POST', '/invitations/{invitation}/resend', invitations.resendInvitation, { idempotent: true }),

  ofRequests('GET', '/requests', requests.listRequests),
  ofRequests('POST', '/requests/{request}/approve', requests.approveRequest),
  ofRequests('POST', '/requests/{request}/decline', requests.declineRequest),

  ofKeys('GET', '/keys', keys.listApiKeys),
  ofKeys('POST', '/keys', keys.createApiKey, { status: 201, idempotent: true, made: 'id' }),
  ofKeys('POST', '/keys/validate', keys.validateApiKey),
  ofKeys('GET', '/keys/{id}', keys.getApiKey, TAGGED),
  ofKeys('PATCH', '/keys/{id}', keys.updateApiKey, TAGGED),
  ofKeys('DELETE', '/keys/{id}', keys.revokeApiKey, REMOVED),
  ofKeys('POST', '/keys/{id}/rotate', keys.rotateApiKey, { idempotent: true }),
  ofKeys('POST', '/keys/{id}/adopt', keys.adoptApiKey),
  ofKeys('GET', '/keys/{id}/usage', keys.getApiKeyUsage),

  ofAudit('GET', '/audit', audit.listAuditEntries),
  ofAudit('GET', '/audit/export', audit.exportAudit, { files: Object.values(AUDIT_MEDIA) }),

  ofUsage('GET', '/usage', getUsage),
  ofUsage('GET', '/limits', getLimits),
]

/** For operators, at /api/v1/operator alone: they need belong to no tenant. */
export const OPERATOR_ROUTES: readonly ApiRoute<OperatorCall>[] = [
  ofOperators('GET', '/operator/tenants', operators.listTenants),
  ofOperators('POST', '/operator/tenants', operators.createTenant, { status: 201, idempotent: true, made: 'slug' }),
  ofOperators('GET', '/operator/tenants/{slug}', operators.getOperatorTenant, { tagged: true }),
  ofOperators('DELETE', '/operator/tenants/{slug}', operators.deleteTenant, { status: 204 }),
  ofOperators('POST', '/operator/tenants/{slug}/suspend', operators.suspendTenant),
  ofOperators('POST', '/operator/tenants/{slug}/resume', operators.resumeTenant),

  ofOperators('POST', '/operator/tenants/{slug}/plan', plans.setTenantPlan),
  ofOperators('GET', '/operator/tenants/{slug}/tools', tools.getOperatorTenantTools, TAGGED),
  ofOperators('PATCH', '/operator/tenants/{slug}/tools', tools.updateOperatorTenantTools, TAGGED),

  ofPlans('GET', '/operator/plans', plans.listPlans),
  ofPlans('GET', '/operator/plans/{plan}', plans.getPlan),
  ofPlans('PATCH', '/operator/plans/{plan}', plans.setPlan),
  ofPlans('DELETE', '/operator/plans/{plan}', plans.removePlan, { status: 204 }),

  ofClaims('GET', '/operator/claims', claims.listWaitingClaims),
  ofClaims('POST', '/operator/tenants/{slug}/domains', claims.verifyDomain),
  ofClaims('POST', '/operator/tenants/{slug}/domains/{domain}/approve', claims.approveClaim),
]

/** The names in braces, in order. */
export const placeholders = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
