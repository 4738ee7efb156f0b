import { BlockList, isIP } from 'node:net'

const CIDR = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i

/**
 * Is the address in one of the networks (CIDR, or one address)? An IPv4 address inside IPv6 is its IPv4 address. False, so
 * closed, for an address that is unknown or none, and for a network that cannot be read.
 */
export function isWithin(ip: string | null, cidrs: readonly string[]): boolean {
  const address = ip?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  const family = isIP(address)
  if (family === 0) return false
  const networks = new BlockList()
  for (const cidr of cidrs) {
    const [, net = '', bits] = CIDR.exec(cidr) ?? []
    const width = isIP(net) === 4 ? 32 : 128
    const prefix = bits === undefined ? width : Number(bits)
    if (isIP(net) !== 0 && prefix <= width) networks.addSubnet(net, prefix, width === 32 ? 'ipv4' : 'ipv6')
  }
  return networks.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
