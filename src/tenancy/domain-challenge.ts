import { randomBytes } from 'node:crypto'
import { getDomain } from 'tldts'
import { RegistryError } from './registry-error.ts'

const LABEL = '_gatehouse-challenge'
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
/** RFC 1035 section 2.3.4, without the dot at the end. */
const LONGEST_NAME = 253

/** The TXT record that proves a domain. */
export interface Challenge {
  /** Without the dot at the end; what is asked for. */
  readonly name: string
  /** As a panel wants it that adds the zone itself. */
  readonly name_relative: string
  /** With the dot at the end, as a zone file and a panel that adds nothing want it. */
  readonly name_absolute: string
  /** The whole text of the record. */
  readonly expected: string
}

/** 128 random bits in base32 (RFC 4648 section 6), lower case: panels that change the case do no harm. */
export function newChallengeToken(): string {
  const bits = [...randomBytes(16)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
}

export function challengeOf(domain: string, token: string): Challenge {
  const name = `${LABEL}.${domain}`
  return {
    name,
    name_relative: name.slice(0, -(zoneOf(domain).length + 1)),
    name_absolute: `${name}.`,
    expected: `token=${token}`,
  }
}

/** Where the record stands when a panel added the zone to a name that had it already. */
export const doubledNames = (domain: string): readonly string[] =>
  [...new Set([domain, zoneOf(domain)])]
    .map((zone) => `${LABEL}.${domain}.${zone}`)
    .filter((name) => name.length <= LONGEST_NAME)

/** invalid: the domain is so long that the record's name would be none. */
export function assertProvable(domain: string): void {
  if (LABEL.length + 1 + domain.length > LONGEST_NAME)
    throw new RegistryError('invalid', `${domain} is too long: ${LABEL} before it makes no DNS name`, 'domain')
}

/** The zone that a panel most likely shows: the registrable domain. */
const zoneOf = (domain: string): string => getDomain(domain, { allowPrivateDomains: true }) ?? domain
