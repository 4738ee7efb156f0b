import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { deriveKey } from '#base/derive.ts'
import { RegistryError } from '../registry-error.ts'

/**
 * A stream that only holders of SESSION_SECRET can read and nobody can change: a header, then pieces of AES-256-GCM under a key of this file
 * alone (HKDF of the secret and 16 random octets). The nonce counts the pieces and marks the last one, so that pieces that were changed, moved,
 * left out or cut off do not open (STREAM, Hoang et al. 2015).
 */
const MAGIC = Buffer.from('GATEHOUSE-BACKUP\u0001', 'latin1')
const SALT = 16
const HEADER = MAGIC.length + SALT
const TAG = 16
/** Octets of a piece before it is sealed. */
const PIECE = 65_536
const LAST = 0x8000_0000

const keyOf = (secret: string, salt: Buffer): Buffer => deriveKey(secret, 'tenant-backup', salt.toString('hex'))

function nonce(count: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(BigInt(count), 0)
  bytes.writeUInt32BE(last ? 1 : 0, 8)
  return bytes
}

/** What is told of a file that is no backup of ours, or not any more. */
export const notTaken = (why: string): RegistryError => new RegistryError('invalid', `this backup is not taken: ${why}`)

/** @param secret the first of SESSION_SECRET. */
export async function* seal(source: AsyncIterable<Uint8Array>, secret: string): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT)
  const header = Buffer.concat([MAGIC, salt])
  const key = keyOf(secret, salt)
  yield header
  let count = 0
  function sealed(piece: Uint8Array, last: boolean): Buffer {
    const cipher = createCipheriv('aes-256-gcm', key, nonce(count, last)).setAAD(header)
    count += 1
    const body = Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(last ? body.length + LAST : body.length)
    return Buffer.concat([length, body])
  }
  let held = Buffer.alloc(0)
  for await (const chunk of source) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    for (; held.length > PIECE; held = held.subarray(PIECE)) yield sealed(held.subarray(0, PIECE), false)
  }
  yield sealed(held, true)
}

/**
 * Only what was sealed comes out, in its order, and the end only when it is the end.
 * Throws RegistryError `invalid`: no backup, sealed with another secret, changed, or cut off.
 */
export async function* unseal(source: AsyncIterable<Uint8Array>, secrets: readonly string[]): AsyncGenerator<Buffer> {
  const input = createInput(source)
  const header = await input.take(HEADER)
  if (header === null || !header.subarray(0, MAGIC.length).equals(MAGIC))
    throw notTaken('it is no backup of a tenant, or of a version that this program does not know')
  const candidates = secrets.map((secret) => keyOf(secret, header.subarray(MAGIC.length)))
  let key: Buffer | null = null
  for (let count = 0; ; count += 1) {
    const prefix = await input.take(4)
    if (prefix === null) throw notTaken('it ends too early: it was cut off')
    const length = prefix.readUInt32BE()
    const last = length >= LAST
    const size = last ? length - LAST : length
    if (size < TAG || size > PIECE + TAG) throw notTaken('it was changed')
    const body = await input.take(size)
    if (body === null) throw notTaken('it ends too early: it was cut off')
    if (count === 0) {
      key = candidates.find((one) => opened(one, header, count, last, body) !== null) ?? null
      if (key === null) throw notTaken('it was made with another SESSION_SECRET, or changed')
    }
    const piece = key === null ? null : opened(key, header, count, last, body)
    if (piece === null) throw notTaken('it was changed')
    yield piece
    if (!last) continue
    if ((await input.take(1)) !== null) throw notTaken('something follows its end')
    return
  }
}

function opened(key: Buffer, header: Buffer, count: number, last: boolean, body: Buffer): Buffer | null {
  try {
    const open = createDecipheriv('aes-256-gcm', key, nonce(count, last), { authTagLength: TAG })
    open.setAAD(header).setAuthTag(body.subarray(-TAG))
    return Buffer.concat([open.update(body.subarray(0, -TAG)), open.final()])
  } catch {
    return null
  }
}

/** `take` answers exactly so many octets; null: there are not as many. */
function createInput(source: AsyncIterable<Uint8Array>): { take(count: number): Promise<Buffer | null> } {
  const chunks = source[Symbol.asyncIterator]()
  let held = Buffer.alloc(0)
  return {
    async take(count) {
      while (held.length < count) {
        const next = await chunks.next()
        if (next.done === true) return null
        held = held.length === 0 ? Buffer.from(next.value) : Buffer.concat([held, next.value])
      }
      const taken = held.subarray(0, count)
      held = held.subarray(count)
      return taken
    },
  }
}
