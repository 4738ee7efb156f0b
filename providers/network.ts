import { BlockList, isIP } from 'node:net'

const CIDR = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i
const WIDTH = { 4: 32, 6: 128 } as const

/**
 * Is the address in one of the networks (CIDR, or one address)? An IPv4 address inside IPv6 is its IPv4 address. False, so
 * closed, for an address that is unknown or none, and for a network that cannot be read.
 */
export function isWithin(ip: string | null, cidrs: readonly string[]): boolean {
  const address = ip?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  const family = isIP(address)
  if (family !== 4 && family !== 6) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const networks = new BlockList()
  for (const cidr of cidrs) {
    const [, net = '', bits = WIDTH[family]] = CIDR.exec(cidr) ?? []
    // Only of the address's own family: BlockList finds every IPv4 address in ::/0.
    if (isIP(net) === family && Number(bits) <= WIDTH[family]) networks.addSubnet(net, Number(bits), type)
  }
  return networks.check(address, type)
}
