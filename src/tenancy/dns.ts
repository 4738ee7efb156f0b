import { Resolver } from 'node:dns/promises'

/** What the DNS says of one name and type. `unjudged`: it said nothing that anything may be concluded from. */
export type DnsAnswer =
  | { readonly kind: 'records'; readonly values: readonly string[] }
  /** The name exists, and has no record of this type. */
  | { readonly kind: 'empty' }
  /** NXDOMAIN. */
  | { readonly kind: 'no_name' }
  | { readonly kind: 'unjudged'; readonly cause: string }

/** Questions to the DNS. Throws nothing. */
export interface Dns {
  /** Whom it asks, for people: `192.0.2.53, 192.0.2.54:5353`. */
  readonly from: string
  /** The character-strings of each record joined to one text (RFC 7208 section 3.3 does the same); at most 256 records. */
  txt(name: string): Promise<DnsAnswer>
  cname(name: string): Promise<DnsAnswer>
}

export interface DnsOptions {
  /** DNS_SERVERS: addresses, perhaps with a port; none: those of this machine. */
  readonly servers: readonly string[]
  /** Milliseconds for one question, whatever the number of servers and tries. */
  readonly limit?: number
}

const LIMIT = 5_000
const MOST_ANSWERS = 256

/** A resolver with servers of its own. Each question is asked anew: nothing is remembered here. Does not check DNSSEC; its servers may. */
export function createDns({ servers, limit = LIMIT }: DnsOptions): Dns {
  const make = (): Resolver => {
    const resolver = new Resolver({ timeout: Math.ceil(limit / 3), tries: 2 })
    if (servers.length > 0) resolver.setServers([...servers])
    return resolver
  }

  async function ask(question: (resolver: Resolver) => Promise<readonly string[]>): Promise<DnsAnswer> {
    const resolver = make()
    const patience = setTimeout(() => resolver.cancel(), limit)
    try {
      const values = await question(resolver)
      return values.length === 0 ? { kind: 'empty' } : { kind: 'records', values: values.slice(0, MOST_ANSWERS) }
    } catch (error) {
      return verdictOf(error)
    } finally {
      clearTimeout(patience)
    }
  }

  return {
    from: make().getServers().join(', '),
    txt: async (name) =>
      await ask(async (dns) => (await dns.resolveTxt(name)).map((strings) => utf8(strings.join('')))),
    cname: async (name) => await ask(async (dns) => await dns.resolveCname(name)),
  }
}

/** Node hands bytes over as if they were Latin-1; people type UTF-8 into panels. */
const utf8 = (bytes: string): string =>
  /^[\0-\xff]*$/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes

/** Only NXDOMAIN and "no such record" are answers; SERVFAIL, REFUSED, a timeout and everything else are none. */
function verdictOf(error: unknown): DnsAnswer {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN'
  if (code === 'ENODATA') return { kind: 'empty' }
  if (code === 'ENOTFOUND') return { kind: 'no_name' }
  return { kind: 'unjudged', cause: code }
}
