import { html, type Html } from '#base/html.ts'
import type { InvitationRecord } from '#tenancy/invitations.ts'
import type { MemberRecord } from '#tenancy/members.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import { chip } from './parts.ts'

/** What a role may do, in the words of people who never read our docs. */
export const ROLE_WORDS: Readonly<Record<PersonRole, string>> = {
  viewer: 'reads, and changes nothing',
  member: 'reads and changes data',
  admin: 'looks after people, domains and keys too, and reads the audit log',
  owner: 'may do everything, and makes owners',
}

const ROLES = ['viewer', 'member', 'admin', 'owner'] as const

/** For a select: the roles that somebody may give who does or does not look after owners. */
export const roleOptions = (owners: boolean): readonly (readonly [PersonRole, string])[] =>
  ROLES.filter((role) => owners || role !== 'owner').map((role) => [role, `${role}: ${ROLE_WORDS[role]}`])

/** Of a form or an address; undefined: none. */
export const roleOf = (text: string): PersonRole | undefined => ROLES.find((role) => role === text)

type Person = Pick<MemberRecord, 'name' | 'email' | 'user_id'>

/** What people call somebody. */
export const nameOf = ({ name, email, user_id: id }: Person): string => name ?? email ?? id

/** Their address, where the name does not say it. */
export const addressOf = ({ name, email, user_id: id }: Person): string | null =>
  name === null ? (email === null ? null : id) : (email ?? id)

export const STATUSES: Readonly<Record<MemberRecord['status'], Html>> = {
  active: chip('good', 'active'),
  requested: chip('warn', 'asked to join'),
  removed: chip('', 'removed'),
}

export const INVITATION_STATES: Readonly<Record<InvitationRecord['state'], Html>> = {
  pending: chip('warn', 'waiting'),
  accepted: chip('good', 'accepted'),
  revoked: chip('', 'revoked'),
  expired: chip('', 'expired'),
}

/** How somebody came to belong, in a few words. */
export const CAME_BY: Readonly<Record<MemberRecord['source'], string>> = {
  operator: 'let in by hand',
  domain: 'by domain',
  organization: 'by their organisation',
  invitation: 'by invitation',
  provision: 'came first',
  personal: 'their own space',
  development: 'development sign-in',
}

const ALONE = 'It holds by itself, whatever they sign in with.'

const GROUNDS: Readonly<Record<MemberRecord['source'], (evidence: Html) => Html>> = {
  domain: (evidence) => html`Came with an address of ${evidence}. It holds only while they sign in with one.`,
  organization: (evidence) =>
    html`Came as one of ${evidence}. It holds only while their sign-in shows that organisation.`,
  provision: (evidence) =>
    html`Came first of ${evidence}: this organisation was made for them. It holds only while they sign in with an
    address of it.`,
  invitation: () => html`Accepted an invitation. ${ALONE}`,
  operator: () =>
    html`Let in by hand: an administrator approved them, or the people who run this server added them. ${ALONE}`,
  personal: () => html`This is their own space.`,
  development: () => html`One of the people of the development sign-in.`,
}

/** How somebody came to belong, and what it rests on (D7). */
export const ground = ({ source, evidence }: Pick<MemberRecord, 'source' | 'evidence'>): Html =>
  GROUNDS[source](html`<strong>${evidence ?? 'what their sign-in showed'}</strong>`)
