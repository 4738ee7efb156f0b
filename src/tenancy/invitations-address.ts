import { emailDomain } from './domain-name.ts'

const LONGEST = 320

/**
 * An address in the form in which two are compared: the local part as it is (RFC 5321 section 2.4), the domain in lower case. null: none that
 * is plain. Does not fold dots, tags or the case of the local part: whose mailbox that is only its provider knows.
 */
export function invitedAddress(email: string): string | null {
  const domain = emailDomain(email)
  const local = email.slice(0, email.lastIndexOf('@'))
  return domain === null || local === '' || email.length > LONGEST ? null : `${local}@${domain}`
}
