/** A DNS server on loopback, over UDP, that answers as a resolver would for the names it was told of. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, type Answer, type Packet } from 'dns-packet'

/** RFC 1035 section 4.1.1. `silence`: no answer at all. */
const RCODE = { SERVFAIL: 2, REFUSED: 5 } as const
type Failure = keyof typeof RCODE | 'silence'

interface Node {
  /** Each record is its character-strings. */
  readonly txt: readonly (readonly string[])[]
  readonly cname: string | null
}

export interface DnsServer {
  /** `127.0.0.1:port`, as DNS_SERVERS takes it. */
  readonly address: string
  /** What was asked, `TXT acme.com`, in order. */
  readonly asked: string[]
  /** TXT records at a name, in place of what was there; a record of several character-strings is a list. None: the name exists without. */
  txt(name: string, ...records: readonly (string | readonly string[])[]): void
  cname(name: string, target: string): void
  /** The name is gone: NXDOMAIN, unless there is one below it. */
  remove(name: string): void
  /** Questions for the name, of this type or of any, fail like this until `null`. */
  fail(name: string, how: Failure | null, type?: string): void
  close(): Promise<void>
}

export async function startDns(): Promise<DnsServer> {
  const nodes = new Map<string, Node>()
  const failures = new Map<string, Failure>()
  const asked: string[] = []
  const socket = createSocket('udp4')

  const txtAt = (name: string): Answer[] =>
    (nodes.get(name)?.txt ?? []).map((strings) => ({ type: 'TXT', name, ttl: 0, data: [...strings] }))
  const exists = (name: string): boolean => [...nodes.keys()].some((each) => each === name || each.endsWith(`.${name}`))

  function answersTo(type: string, name: string): Answer[] {
    const cname = nodes.get(name)?.cname ?? null
    if (cname !== null) {
      const alias: Answer = { type: 'CNAME', name, ttl: 0, data: cname }
      return type === 'TXT' ? [alias, ...txtAt(cname)] : [alias]
    }
    return type === 'TXT' ? txtAt(name) : []
  }

  function reply(packet: Packet, from: RemoteInfo): void {
    const [question] = packet.questions ?? []
    if (question === undefined) return
    const name = question.name.toLowerCase()
    asked.push(`${question.type} ${name}`)
    const failure = failures.get(`${question.type} ${name}`) ?? failures.get(name)
    if (failure === 'silence') return
    const rcode = failure !== undefined ? RCODE[failure] : exists(name) ? 0 : 3
    const head = {
      id: packet.id ?? 0,
      type: 'response',
      flags: RECURSION_DESIRED | RECURSION_AVAILABLE | rcode,
    } as const
    const answers = failure === undefined ? answersTo(question.type, name) : []
    socket.send(encode({ ...head, questions: [question], answers }), from.port, from.address)
  }

  socket.on('message', (message, from) => reply(decode(message), from))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')

  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    txt(name, ...records) {
      nodes.set(name, { txt: records.map((record) => (typeof record === 'string' ? [record] : record)), cname: null })
    },
    cname: (name, target) => void nodes.set(name, { txt: [], cname: target }),
    remove: (name) => void nodes.delete(name),
    fail(name, how, type) {
      const key = type === undefined ? name : `${type} ${name}`
      if (how === null) failures.delete(key)
      else failures.set(key, how)
    },
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
