import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

export const API_KEY_PREFIX = 'gh_key_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SHAPE = /^gh_key_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})_([0-9a-f]{8})$/

/** Can it be the public part of a key? Of what comes in an address, before Postgres is asked, which holds no NUL. */
export const isKeyId = (text: string): boolean => /^[0-9A-Za-z]{12}$/.test(text)

const random = (length: number): string => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
const checksum = (body: string): string => crc32(body).toString(16).padStart(8, '0')

/** SHA-256: a key holds 256 bits of randomness, so a slow hash would add nothing. */
const apiKeyDigest = (key: string): Buffer => createHash('sha256').update(key).digest()

/** A new key `gh_key_<id>_<secret>_<crc>`: `key` is shown once and kept nowhere, `id` is public. */
export function makeApiKey(): { readonly id: string; readonly key: string; readonly digest: Buffer } {
  const id = random(12)
  const body = `${API_KEY_PREFIX}${id}_${random(43)}`
  const key = `${body}_${checksum(body)}`
  return { id, key, digest: apiKeyDigest(key) }
}

/** Reads a key; null when its form or its checksum is wrong (a typing error, told without a look at the database). */
export function parseApiKey(token: string): { readonly id: string; readonly digest: Buffer } | null {
  const [, id, , crc] = SHAPE.exec(token) ?? []
  if (id === undefined || crc !== checksum(token.slice(0, -9))) return null
  return { id, digest: apiKeyDigest(token) }
}

/** A key as it is stored: without the key. */
export interface ApiKeyRecord {
  readonly id: string
  /** The tenant's slug. */
  readonly tenant: string
  readonly name: string
  /** SHA-256 of the whole key. */
  readonly digest: Buffer
  readonly scopes: readonly string[]
  /** Networks it may come from, CIDR notation; empty: any. */
  readonly cidrs: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expires_at: number | null
  readonly revoked_at: number | null
}

/** null: there is no such key. Throws Refusal database_unavailable when the registry cannot be asked. */
export type ApiKeyLookup = (id: string) => Promise<ApiKeyRecord | null>
