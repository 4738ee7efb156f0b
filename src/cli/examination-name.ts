import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bareHost, isLoopbackHost, isPublicAddress } from '#base/address.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

/** Milliseconds; the system's own patience may be a minute. */
const PATIENCE = 5_000

/** Handed in by tests only. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>
const system: LookUp = async (host) => await lookup(host, { all: true })

/** Is the name of this URL known, and does it lead to a public address? Nothing is said of addresses and of this machine. */
export async function examineName(text: string, lookUp: LookUp = system): Promise<readonly Finding[]> {
  const host = bareHost(new URL(text))
  if (isIP(host) !== 0 || isLoopbackHost(host)) return []
  try {
    const found = (await patiently(lookUp(host))).map(({ address }) => address)
    const inside = found.filter((address) => !isPublicAddress(address))
    const list = found.join(', ')
    return [
      inside.length > 0
        ? warning('dns', `${host} is ${list}: ${inside.join(', ')} is not public, so hosted clients cannot reach it`)
        : ok('dns', `${host} is ${list}`),
    ]
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
    // Nobody has the name, or nobody could be asked just now.
    if (code === 'ENOTFOUND' || code === 'ENODATA')
      return [failed('dns', `${host} is not known (${code}): make its A, AAAA or CNAME record`)]
    return [warning('dns', `${host} could not be looked up (${code})`)]
  }
}

async function patiently<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), PATIENCE)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
