import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What the bridge needs of the system's keychain. null: there is no such entry. */
export interface Keychain {
  read(): Promise<string | null>
  write(secret: string): Promise<void>
}

/**
 * The system's keychain, or null where there is none (a server, a container) or the optional package is not installed. It holds one
 * thing: the key under which the logins lie sealed in their files. So a login is replaced whole by one rename, whatever its size (the
 * Windows credential manager takes 2,560 bytes), and the keychain asks the person once, not once per login.
 */
export async function systemKeychain(): Promise<Keychain | null> {
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring')
    // Never the kernel keyring, which forgets at restart.
    const entry = new AsyncEntry('gatehouse', 'logins', { linux: { store: 'secret-service' } })
    await entry.getPassword()
    return {
      read: async () => (await entry.getPassword()) ?? null,
      write: async (secret) => await entry.setPassword(secret),
    }
  } catch {
    return null
  }
}

/** AES-256-GCM, bound to the login it belongs to. */
export function seal(key: Buffer, about: string, text: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(about))
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

/** null: sealed under another key, for another login, or altered. */
export function unseal(key: Buffer, about: string, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-16))
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
