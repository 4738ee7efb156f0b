import { lookup } from 'node:dns/promises'
import { bareHost, isPublicAddress } from '#base/address.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'

/**
 * The fetch for everything that a server only names: metadata, issuers. A server on the public internet cannot make this machine ask
 * addresses of the inner network; one that is itself inside may name others there.
 */
export async function guardFor(url: URL): Promise<GuardedFetch> {
  return createGuardedFetch({ allowPrivate: !(await isPublic(bareHost(url))) })
}

async function isPublic(host: string): Promise<boolean> {
  try {
    const found = await lookup(host, { all: true })
    return found.every(({ address }) => isPublicAddress(address))
  } catch {
    return true
  }
}
