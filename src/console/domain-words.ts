import type { DomainRecord, JoinMode } from '#tenancy/domains.ts'
import type { Tone } from './parts.ts'

/** How a domain stands, in a word and in a sentence. */
export interface Standing {
  readonly tone: Tone
  readonly word: string
  readonly sentence: string
  /** Somebody has to do something. */
  readonly urgent: boolean
}

/** Never names another tenant: of a contest is only said that there is one. */
export function standingOf({ domain, state, problem, lapses_at, verified_by }: DomainRecord): Standing {
  if (state === 'contested')
    return {
      tone: 'warn',
      word: 'waiting for an operator',
      sentence: `Your record is right. Another organisation on this server proved ${domain} before, so the people who run the server decide whether it moves to you. Until then nobody joins you by it.`,
      urgent: true,
    }
  if (state === 'pending')
    return {
      tone: 'warn',
      word: 'waiting for the record',
      sentence: `Publish the record below. Until it is seen, nobody joins by ${domain}.`,
      urgent: true,
    }
  if (state === 'expired')
    return {
      tone: '',
      word: 'claim expired',
      sentence: 'The record was not seen within 30 days. Claim the domain again to get a new one.',
      urgent: true,
    }
  if (state === 'lapsed' && problem?.code === 'approval')
    return {
      tone: 'warn',
      word: 'waiting for an operator',
      sentence: `Your record is back. Because the proof of ${domain} lapsed once, the people who run the server have to approve the new one.`,
      urgent: true,
    }
  if (state === 'lapsed')
    return {
      tone: 'bad',
      word: 'lapsed',
      sentence: `Nobody joins by ${domain} any more. Everybody who is here stays. ${
        problem?.code === 'superseded'
          ? 'Another organisation on this server proved it later.'
          : 'Put its record back; then the people who run the server approve it.'
      }`,
      urgent: true,
    }
  if (lapses_at !== null)
    return {
      tone: 'bad',
      word: 'record missing',
      sentence: `${domain} is still verified, but its record was not there when we last looked. Put it back, or the domain lapses.`,
      urgent: true,
    }
  return {
    tone: 'good',
    word: 'verified',
    sentence:
      verified_by === 'dns'
        ? 'We look for the record every day. Leave it where it is.'
        : 'It is yours by the word of others. A record in the DNS proves it for good.',
    urgent: false,
  }
}

const VERIFIED_BY: Readonly<Record<NonNullable<DomainRecord['verified_by']>, string>> = {
  dns: 'DNS record',
  operator: 'operator',
  provision: 'first sign-in',
}

export const verifiedBy = ({ verified_by: by }: DomainRecord): string | null => (by === null ? null : VERIFIED_BY[by])

/** In a table. */
export const JOINS: Readonly<Record<JoinMode, string>> = {
  auto: 'by themselves',
  request: 'by request',
  invite: 'by invitation',
}
