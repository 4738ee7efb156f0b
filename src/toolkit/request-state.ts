import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '#base/canonical.ts'
import type { Clock } from '#base/clock.ts'
import { deriveKey } from '#base/derive.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments } from './arguments.ts'

/** Milliseconds a state may be sent back. */
const LIFE = 600_000
/** Milliseconds that the clocks of two replicas may differ. */
const SKEW = 30_000
const VERSION = 'v1'
const IV = 12
const TAG = 16

/** Whose state it is, and of which call. */
export interface StateBinding {
  readonly principal: Principal
  /** tools/call, prompts/get or resources/read. */
  readonly method: string
  /** Of the tool or prompt, or the resource's URI. */
  readonly name: string
  readonly args: unknown
}

/** `requestState` (MCP 2026-07-28, basic/patterns/mrtr): it passes through the caller's hands and comes back as it was or not at all (D34). */
export interface StateSeal {
  seal(state: unknown, binding: StateBinding): string
  /** Throws InvalidArguments, with the same words for every cause. */
  open(text: string, binding: StateBinding): unknown
}

const Inside = z.strictObject({ iat: z.number(), exp: z.number(), state: z.unknown() })

/**
 * AES-256-GCM; purpose and binding are additional data, so a state of another person, tenant, call or purpose does not open (D25).
 * @param secrets SESSION_SECRET: the first seals, all open.
 */
export function createStateSeal({
  secrets,
  clock,
}: {
  readonly secrets: readonly string[]
  readonly clock: Clock
}): StateSeal {
  const keys = secrets.map((secret) => deriveKey(secret, 'request-state'))
  const [first] = keys
  return {
    seal(state, binding) {
      if (first === undefined) throw new Error('there is no SESSION_SECRET to seal with')
      const iv = randomBytes(IV)
      const cipher = createCipheriv('aes-256-gcm', first, iv).setAAD(bound(binding))
      const now = clock.now()
      const inside = JSON.stringify({ iat: now, exp: now + LIFE, state: state ?? null })
      const sealed = Buffer.concat([cipher.update(inside, 'utf8'), cipher.final()])
      return `${VERSION}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`
    },
    open(text, binding) {
      const bytes = Buffer.from(text.slice(VERSION.length + 1), 'base64url')
      // One spelling only: what decodes to the same bytes in another way is not what was handed out.
      if (text === `${VERSION}.${bytes.toString('base64url')}` && bytes.length > IV + TAG) {
        for (const key of keys) {
          const opened = Inside.safeParse(decrypt(key, bytes, bound(binding)))
          if (!opened.success) continue
          const { iat, exp, state } = opened.data
          const now = clock.now()
          if (now < exp && iat <= now + SKEW) return state
        }
      }
      throw new InvalidArguments('Invalid or expired requestState')
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

/** Additional data may be of any length, so the arguments stand in it whole; no digest is needed. */
const bound = ({ principal: { identity, tenant }, method, name, args }: StateBinding): Buffer =>
  Buffer.from(
    canonicalJson({
      version: VERSION,
      purpose: 'request-state',
      who: identity.key === null ? { iss: identity.iss, sub: identity.sub } : { key: identity.key.id },
      tenant: tenant.id,
      method,
      name,
      args: args ?? {},
    }),
  )
