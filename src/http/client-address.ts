import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { ConfigError, type Config } from '#base/config.ts'

/** Says who the client is: an IP address without IPv4-in-IPv6 dress, or null when the connection is already gone. */
export type ClientAddress = (request: IncomingMessage) => string | null

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
const isLoopback = (address: string): boolean => loopback.check(address, family(address))

/** `::ffff:10.0.0.1` is 10.0.0.1, and a zone (`fe80::1%eth0`) is no part of an address. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

const peerOf = (request: IncomingMessage): string | null =>
  request.socket.remoteAddress === undefined ? null : plain(request.socket.remoteAddress)

/** Any of these says that somebody stands between us and the client: the standard ones, and what well-known proxies and tunnels add. */
const FORWARDING =
  /^(?:forwarded|via|x-forwarded-|x-original-|x-envoy-|x-amzn-|cf-|cdn-loop$|fly-|fastly-|x-real-ip$|(?:true|x|x-cluster)-client-ip$)/

/** A program on this machine, with nobody in between: the only one that may use the development sign-in and see operating details (D1, D4). */
export function directLoopback(request: IncomingMessage): boolean {
  const peer = peerOf(request)
  // HTTP/1.0 is what nginx speaks to a server behind it unless told otherwise, and then it adds no header; no client does.
  if (request.httpVersion === '1.0') return false
  return peer !== null && isLoopback(peer) && !Object.keys(request.headers).some((name) => FORWARDING.test(name))
}

/**
 * Reads the client's address: the peer's own, or behind a proxy of TRUST_PROXY what that proxy says, in CLIENT_IP_HEADER or else in
 * X-Forwarded-For, whose entries count from the right for as long as they are trusted proxies themselves (D4). A header from anyone
 * else is not looked at. Throws ConfigError for what is no CIDR.
 */
export function clientAddress({
  trustProxy,
  clientIpHeader,
}: Pick<Config, 'trustProxy' | 'clientIpHeader'>): ClientAddress {
  const trusted = blockList(trustProxy)
  const isTrusted = (address: string): boolean => trustProxy.length > 0 && trusted.check(address, family(address))
  const header = clientIpHeader?.toLowerCase() ?? null
  return (request) => {
    const peer = peerOf(request)
    if (peer === null || !isTrusted(peer)) return peer
    if (header !== null) return address(single(request.headers[header])) ?? peer
    const hops = single(request.headers['x-forwarded-for']).split(',').map(address).toReversed()
    let client = peer
    for (const hop of hops) {
      if (hop === null) break
      client = hop
      if (!isTrusted(hop)) break
    }
    return client
  }
}

const single = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(',') : (value ?? '')

/** One address as proxies write it, perhaps with a port; null for anything else. */
function address(text: string): string | null {
  const [, bracketed, withPort] = /^\s*(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?)\s*$/.exec(text) ?? []
  const found = plain(bracketed ?? withPort ?? text.trim())
  return isIP(found) === 0 ? null : found
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [net = '', bits] = cidr.split('/')
    try {
      if (bits === undefined) list.addAddress(net, family(net))
      else list.addSubnet(net, Number(bits), family(net))
    } catch {
      throw new ConfigError([`TRUST_PROXY: ${JSON.stringify(cidr)} is no address and no CIDR`])
    }
  }
  return list
}
