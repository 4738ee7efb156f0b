import { claimDomain, checkDomain, listDomains, removeDomain } from './domains.ts'
import { inviteMember } from './invitations.ts'
import { createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from './keys.ts'
import { listMembers, removeMember, setMemberRole } from './members.ts'
import type { Operation } from './operation.ts'
import { getUsage } from './usage.ts'

/** What admins can do from a chat, once an owner has turned that on (D32). The rest is the console's and the API's. */
export const CHAT_OPERATIONS: readonly Operation[] = [
  listDomains,
  claimDomain,
  checkDomain,
  removeDomain,
  listMembers,
  inviteMember,
  setMemberRole,
  removeMember,
  listApiKeys,
  createApiKey,
  rotateApiKey,
  revokeApiKey,
  getUsage,
]

/** One of them that waits for a person's word; null: there is none of this id, or it needs no word. */
export const confirmable = (id: string): Operation | null =>
  CHAT_OPERATIONS.find((operation) => operation.id === id && operation.effect === 'power') ?? null
