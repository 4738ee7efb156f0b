import type { Dns, DnsAnswer } from './dns.ts'
import { challengeOf, doubledNames } from './domain-challenge.ts'
import type { DomainProblemCode } from './domain-problem.ts'

/** What stood at one name. */
export interface Seen {
  readonly name: string
  /** As people can be shown it: printable, cut at 300 characters. `CNAME target` for an alias. */
  readonly values: readonly string[]
  /** Which DNS servers said so. */
  readonly from: string
}

export interface Finding {
  /** `unjudged`: the DNS gave no answer, so nothing follows from it. */
  readonly verdict: 'proved' | 'absent' | 'unjudged'
  /** null: proved. */
  readonly problem: DomainProblemCode | null
  readonly seen: readonly Seen[]
}

/**
 * Looks for the record of a claim, and where it is not there for the likely mistake. Any matching TXT record of the name wins; an alias never
 * does, for a wildcard one would let whoever holds its target prove the domain. Up to five questions.
 */
export async function checkDomain(dns: Dns, domain: string, token: string): Promise<Finding> {
  const { name, expected } = challengeOf(domain, token)
  const [main, alias] = await Promise.all([dns.txt(name), dns.cname(name)])
  const seen = (at: string, values: readonly string[]): Seen => ({
    name: at,
    values: values.map(shown),
    from: dns.from,
  })
  const absent = (problem: DomainProblemCode, ...found: readonly Seen[]): Finding => ({
    verdict: 'absent',
    problem,
    seen: found,
  })

  if (alias.kind === 'records') {
    const target = seen(
      name,
      alias.values.map((value) => `CNAME ${value}`),
    )
    return absent('alias', target, ...(main.kind === 'records' ? [seen(name, main.values)] : []))
  }
  if (main.kind === 'records') {
    const here = seen(name, main.values)
    if (!main.values.some((value) => matches(value, expected))) return absent(mistakeIn(main.values, token), here)
    // Whether it came through an alias is not known then.
    if (alias.kind === 'unjudged') return { verdict: 'unjudged', problem: 'unreachable', seen: [here] }
    return { verdict: 'proved', problem: null, seen: [here] }
  }
  if (main.kind === 'unjudged') return { verdict: 'unjudged', problem: 'unreachable', seen: [] }

  const wrongNames = [...doubledNames(domain), domain]
  const answers = await Promise.all(wrongNames.map(async (at) => ({ at, answer: await dns.txt(at) })))
  for (const { at, answer } of answers) {
    const ours = recordsOf(answer).filter((value) => value.toLowerCase().includes(token))
    if (ours.length > 0) return absent(at === domain ? 'apex' : 'doubled', seen(at, ours))
  }
  if (main.kind === 'empty') return absent('no_record')
  return absent(answers.at(-1)?.answer.kind === 'no_name' ? 'no_domain' : 'no_name')
}

/** Pairs parted by spaces, of which one is ours: others (`expiry=never`) are their owner's business. */
const matches = (value: string, expected: string): boolean => value.toLowerCase().trim().split(/\s+/).includes(expected)

function mistakeIn(values: readonly string[], token: string): DomainProblemCode {
  const bare = values.map((value) => value.replaceAll(/["'\\\u2018\u2019\u201C\u201D]/g, ''))
  if (bare.some((value) => matches(value, `token=${token}`))) return 'quotes'
  if (bare.some((value) => value.toLowerCase().includes(token))) return 'format'
  return bare.some((value) => /\btoken\s*=/i.test(value)) ? 'wrong_token' : 'no_token'
}

const recordsOf = (answer: DnsAnswer): readonly string[] => (answer.kind === 'records' ? answer.values : [])

/** Strangers write TXT records: nothing in them may steer a terminal or a page. */
const shown = (value: string): string => {
  const printable = value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
  return printable.length > 300 ? `${printable.slice(0, 300)}...` : printable
}
