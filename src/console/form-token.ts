import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey } from '#base/derive.ts'
import type { Identity } from '#identity/identity.ts'

/** The hidden field of every form of the console. */
export const FORM_TOKEN = 'csrf'

export interface FormTokens {
  /** The same for all forms of one session, and of no use in another. */
  of(sessionId: string): string
  isOf(sessionId: string, given: unknown): boolean
  /** Stands in the address of a page that holds what this person typed, so that it fills its form with nothing that others wrote there. */
  typedBy(person: Person, url: string): string
  isTypedBy(person: Person, url: string, given: string): boolean
}

/** Of an identity, since a fresh sign-in begins a new session. */
type Person = Pick<Identity, 'iss' | 'sub'>

/** HMACs: nothing is stored, and whoever cannot read our pages cannot make one (D31). */
export function createFormTokens(secrets: readonly string[], publicUrl: string): FormTokens {
  const [first, ...others] = secrets.map((secret) => deriveKey(secret, 'csrf', publicUrl))
  if (first === undefined) throw new Error('there is no SESSION_SECRET to make form tokens with')
  const mac = (key: Buffer, what: string): Buffer => createHmac('sha256', key).update(what).digest()
  const isMac = (what: string, given: unknown): boolean => {
    const bytes = Buffer.from(typeof given === 'string' ? given : '', 'base64url')
    return [first, ...others].some((key) => bytes.length === 32 && timingSafeEqual(bytes, mac(key, what)))
  }
  const ofSession = (id: string): string => `console ${id}`
  const ofPage = ({ iss, sub }: Person, url: string): string => `typed ${JSON.stringify([iss, sub, url])}`
  return {
    of: (id) => mac(first, ofSession(id)).toString('base64url'),
    isOf: (id, given) => isMac(ofSession(id), given),
    typedBy: (person, url) => mac(first, ofPage(person, url)).toString('base64url'),
    isTypedBy: (person, url, given) => isMac(ofPage(person, url), given),
  }
}
