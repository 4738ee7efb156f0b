import { parseUrl } from './pool.ts'

/** A server that tools' transactions run on, by name: a placement, its read replica, or a node of its Citus cluster. */
export interface Server {
  readonly placement: string
  readonly replica: boolean
  readonly node: Node | null
}

export interface Node {
  /** As the cluster knows it; a folder for a unix socket. */
  readonly host: string
  readonly port: number
}

const REPLICA = '/replica'

/** Names of placements have neither slash nor at sign. */
export const replicaOf = (placement: string): string => `${placement}${REPLICA}`
export const nodeOf = (placement: string, { host, port }: Node): string => `${placement}@${port}@${host}`

export function serverOf(name: string): Server {
  const [, placement, port, host] = /^([^@/]+)@(\d+)@(.+)$/s.exec(name) ?? []
  if (placement !== undefined && host !== undefined)
    return { placement, replica: false, node: { host, port: Number(port) } }
  return name.endsWith(REPLICA)
    ? { placement: name.slice(0, -REPLICA.length), replica: true, node: null }
    : { placement: name, replica: false, node: null }
}

/** The coordinator's URL with another host and port: nodes have its users, passwords and databases. */
export function urlAt(url: string, { host, port }: Node): string {
  const at = parseUrl(url)
  at.searchParams.delete('host')
  at.searchParams.delete('port')
  if (host.startsWith('/')) at.searchParams.set('host', host)
  else at.hostname = host.includes(':') ? `[${host}]` : host
  at.port = String(port)
  return at.toString()
}
