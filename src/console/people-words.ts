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

const GROUNDS: Readonly<Record<MemberRecord['source'], (evidence: Html, who: string) => Html>> = {
  domain: (evidence, who) => html`Came with an address of ${evidence}. It holds only while ${who} sign in with one.`,
  organization: (evidence, who) =>
    html`Came as one of ${evidence}. It holds only while the sign-in shows that ${who} are.`,
  provision: (evidence, who) =>
    html`Came first of ${evidence}: this organisation was made for that. It holds only while ${who} sign in with an
    address of it.`,
  invitation: (_, who) => html`Accepted an invitation. It holds by itself, whatever ${who} sign in with.`,
  operator: (_, who) =>
    html`Let in by hand: approved by an administrator, or added by the people who run this server. It holds by itself,
    whatever ${who} sign in with.`,
  personal: () => html`This is a space for one person.`,
  development: () => html`One of the people of the development sign-in.`,
}

/** How somebody came to belong, and what it rests on (D7); for who only asks, why they may. `who`: they, or you. */
export const ground = (
  { source, evidence, status }: Pick<MemberRecord, 'source' | 'evidence' | 'status'>,
  who: 'they' | 'you' = 'they',
): Html => {
  const proof = html`<strong>${evidence ?? 'what the sign-in showed'}</strong>`
  return status === 'requested' ? html`Asks as one of ${proof}.` : GROUNDS[source](proof, who)
}
