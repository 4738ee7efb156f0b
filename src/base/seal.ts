import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { seconds, type Clock } from './clock.ts'
import { deriveKey, type Purpose } from './derive.ts'

const VERSION = 'v1'
const IV = 12
const TAG = 16
/** Seconds that the clocks of two replicas may differ. */
const SKEW = 30

export interface SealOptions<Value> {
  /** A value of one purpose never opens for another (D25). */
  readonly purpose: Purpose
  /** PUBLIC_URL: a value sealed by one deployment is nothing to another that shares its secret. */
  readonly issuer: string
  /** What may be inside; strict, so that a value of an older or newer program does not half-open. */
  readonly schema: z.ZodType<Value>
  /** Seconds until a sealed value is worth nothing. */
  readonly life: number
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  readonly clock: Clock
}

/** A value that passes through strangers' hands and comes back as it was, in time, or not at all. Not single-use by itself. */
export interface Seal<Value> {
  /** `v1.` and base64url; about 4/3 of the JSON plus 60 characters. `binding` must be given again to open it, and is not inside. */
  seal(value: Value, binding?: string): string
  /** null for every cause alike: not ours, changed, too old, from the future, another purpose, another binding, another shape. */
  open(text: string, binding?: string): Value | null
}

/**
 * AES-256-GCM with a key of its own per purpose (HKDF of the secret); version, purpose, issuer and binding are additional data.
 * @throws Error when there is no secret: nothing must be sealed with an empty one.
 */
export function createSeal<Value>({ purpose, issuer, schema, life, secrets, clock }: SealOptions<Value>): Seal<Value> {
  const keys = secrets.map((secret) => deriveKey(secret, purpose))
  const [first] = keys
  if (first === undefined) throw new Error('there is no SESSION_SECRET to seal with')
  const aad = (binding: string): Buffer => Buffer.from(JSON.stringify([VERSION, purpose, issuer, binding]))

  return {
    seal(value, binding = '') {
      const iv = randomBytes(IV)
      const cipher = createCipheriv('aes-256-gcm', first, iv).setAAD(aad(binding))
      const iat = seconds(clock)
      const sealed = Buffer.concat([cipher.update(JSON.stringify([iat, iat + life, value]), 'utf8'), cipher.final()])
      return `${VERSION}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`
    },
    open(text, binding = '') {
      const bytes = Buffer.from(text.slice(VERSION.length + 1), 'base64url')
      // One spelling only: what decodes to the same bytes in another way is not what was handed out.
      if (text !== `${VERSION}.${bytes.toString('base64url')}` || bytes.length <= IV + TAG) return null
      for (const key of keys) {
        const inside = decrypt(key, bytes, aad(binding))
        if (!Array.isArray(inside) || inside.length !== 3) continue
        const [iat, exp, value]: readonly unknown[] = inside
        const now = seconds(clock)
        if (typeof iat !== 'number' || typeof exp !== 'number' || now >= exp || iat > now + SKEW) return null
        const checked = schema.safeParse(value)
        return checked.success ? checked.data : null
      }
      return null
    },
  }
}

function decrypt(key: Buffer, bytes: Buffer, aad: Buffer): unknown {
  try {
    const open = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
    open.setAAD(aad).setAuthTag(bytes.subarray(IV, IV + TAG))
    return JSON.parse(Buffer.concat([open.update(bytes.subarray(IV + TAG)), open.final()]).toString('utf8'))
  } catch {
    return undefined
  }
}
