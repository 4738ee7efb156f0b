import { challengeOf, doubledNames } from './domain-challenge.ts'

/** What keeps a domain from being proved. Stored in `domains.problem`. */
const PROBLEMS = {
  no_domain: (domain) => `${domain} is not in the DNS: is it spelled right, and registered?`,
  no_name: (domain) =>
    `There is nothing at ${nameOf(domain)} yet. A new record is seen after minutes, at some providers after hours.`,
  no_record: (domain) => `There is no TXT record at ${nameOf(domain)}, only records of other types or names below it.`,
  doubled: (domain) =>
    `The record stands at ${doubledNames(domain)[0] ?? domain}: the panel adds the zone by itself. Enter only ${relativeOf(domain)} as the name.`,
  wrong_token: (domain) =>
    `There is a token at ${nameOf(domain)}, but of another claim. Replace it with the one shown here.`,
  no_token: (domain) => `There are TXT records at ${nameOf(domain)}, but none is a token. Add the one shown here.`,
  quotes: () => 'The value has quotation marks or backslashes in it. Enter it without them.',
  format: () => 'The token is there, but not as shown: the whole value is token= and the token, without spaces.',
  apex: (domain) => `The record stands at ${domain} itself. It belongs to the name ${nameOf(domain)}.`,
  alias: (domain) =>
    `${nameOf(domain)} is an alias (CNAME). No record can stand beside it, and what it points at proves nothing: remove the alias.`,
  unreachable: () =>
    'The DNS servers gave no answer that can be judged. Nothing was changed by it; they are asked again.',
  contested: () =>
    'The record is right. Another organisation here has proved this domain before: an operator has to approve the take-over.',
  approval: () => 'The record is right. The proof of this domain lapsed once: an operator has to approve the new one.',
  superseded: () => 'Another organisation proved this domain later, and an operator approved it.',
} as const satisfies Record<string, (domain: string) => string>

export type DomainProblemCode = keyof typeof PROBLEMS

/** A code, and a sentence or two for the person who has to mend it. Never names another tenant. */
export interface DomainProblem {
  readonly code: DomainProblemCode
  readonly message: string
}

/** null stays null, and so does a code of a newer program. */
export function domainProblem(code: string | null, domain: string): DomainProblem | null {
  return code === null || !isCode(code) ? null : { code, message: PROBLEMS[code](domain) }
}

const isCode = (code: string): code is DomainProblemCode => Object.hasOwn(PROBLEMS, code)
const nameOf = (domain: string): string => challengeOf(domain, '').name
const relativeOf = (domain: string): string => challengeOf(domain, '').name_relative
