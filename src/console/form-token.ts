import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey } from '#base/derive.ts'

/** The hidden field of every form of the console. */
export const FORM_TOKEN = 'csrf'

export interface FormTokens {
  /** The same for all forms of one session, and of no use in another. */
  of(sessionId: string): string
  isOf(sessionId: string, given: unknown): boolean
}

/** HMAC of the session's id: nothing is stored, and whoever cannot read our pages cannot make one (D31). */
export function createFormTokens(secrets: readonly string[], publicUrl: string): FormTokens {
  const [first, ...others] = secrets.map((secret) => deriveKey(secret, 'csrf', publicUrl))
  if (first === undefined) throw new Error('there is no SESSION_SECRET to make form tokens with')
  const mac = (key: Buffer, id: string): Buffer => createHmac('sha256', key).update(`console ${id}`).digest()
  return {
    of: (id) => mac(first, id).toString('base64url'),
    isOf(id, given) {
      const bytes = Buffer.from(typeof given === 'string' ? given : '', 'base64url')
      return [first, ...others].some((key) => bytes.length === 32 && timingSafeEqual(bytes, mac(key, id)))
    },
  }
}
