import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#base/clock.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, parseJson, textOf, textsOf } from './json.ts'
import { seal, systemKeychain, unseal, type Keychain } from './keychain.ts'
import { locked } from './lock.ts'
import {
  fileName,
  idOf,
  loginOf,
  registrationOf,
  split,
  type Login,
  type LoginKey,
  type Registration,
} from './login-record.ts'
import { privateFolder, readPrivate, writePrivate } from './private-file.ts'
import { covers } from './target.ts'

export interface StoreOptions {
  readonly folder: string
  /** null: the keychain where there is one. */
  readonly kind: 'keyring' | 'file' | null
  readonly clock: Clock
  /** Tells the person; used once per folder, when logins lie in a file because there is no keychain. */
  readonly tell: (line: string) => void
  /** The system's by default; handed in by tests. */
  readonly keychain?: () => Promise<Keychain | null>
}

/** The logins of this person on this machine, shared by every local client. Tokens leave it only as values. */
export interface Store {
  readonly folder: string
  /** Every login that can be read; one that cannot is passed over. */
  all(): Promise<readonly Login[]>
  /** The login for a server: the one whose resource is nearest to the URL, then the newest. Asks nobody over the network. */
  find(url: URL, clientId?: string | null): Promise<Login | null>
  get(key: LoginKey): Promise<Login | null>
  save(login: Login): Promise<void>
  remove(key: LoginKey): Promise<void>
  /** Runs alone among all processes of this person, for this login. */
  alone<Result>(key: LoginKey, work: () => Promise<Result>): Promise<Result>
  registration(issuer: string): Promise<Registration | null>
  saveRegistration(registration: Registration): Promise<void>
  forgetRegistration(issuer: string): Promise<void>
  /** Scopes that calls were refused for (RFC 6750 section 3.1, insufficient_scope): the next sign-in asks for them too. */
  missing(url: URL): Promise<readonly string[]>
  saveMissing(url: URL, scopes: readonly string[]): Promise<void>
  /** Where tokens are kept now. */
  where(): Promise<'keyring' | 'file'>
}

export function createStore(options: StoreOptions): Store {
  const { folder, clock } = options
  const loginFile = (key: LoginKey): string => join(folder, `login-${idOf(key)}.json`)
  const clientFile = (issuer: string): string => join(folder, `client-${fileName(issuer)}.json`)
  const missingFile = (url: URL): string => join(folder, `missing-${fileName(url.href)}.json`)
  let opening: Promise<Keychain | null> | null = null
  const chain = async (): Promise<Keychain | null> => await (opening ??= openChain(options))
  let held: Buffer | null = null
  /** The key in the keychain. It is made at the first login only. */
  const key = async (make: boolean): Promise<Buffer | null> => (held ??= await keyIn(await chain(), make, options))

  /** The secret of a file: sealed where there is a keychain, else as it is in a file that only its owner can read. */
  async function close(about: string, secret: unknown): Promise<unknown> {
    const text = JSON.stringify(secret)
    const by = await key(true)
    if (by !== null) return { sealed: seal(by, about, text) }
    if (options.kind === null) await tellOnce(options)
    return { plain: secret }
  }

  async function open(about: string, secret: unknown): Promise<unknown> {
    if (!isObject(secret)) return null
    const sealed = textOf(secret['sealed'])
    if (sealed === null) return secret['plain']
    const by = await key(false)
    return by === null ? null : parseJson(unseal(by, about, sealed) ?? '')
  }

  async function readLogin(path: string): Promise<Login | null> {
    const file = parseJson((await readPrivate(path)) ?? '')
    if (!isObject(file)) return null
    const { secret, ...open_ } = file
    const shell = loginOf(open_, { access_token: '-' })
    return shell === null ? null : loginOf(open_, await open(idOf(shell), secret))
  }

  async function all(): Promise<readonly Login[]> {
    await privateFolder(folder)
    const names = (await readdir(folder)).filter((name) => /^login-[\w-]+\.json$/.test(name))
    const found = await Promise.all(names.map(async (name) => await readLogin(join(folder, name))))
    return found.filter((login) => login !== null)
  }

  return {
    folder,
    all,
    async find(url, clientId = null) {
      const fitting = (await all()).filter(
        (login) => covers(login.resource, url) && (clientId === null || login.client_id === clientId),
      )
      return fitting.sort((a, b) => b.resource.length - a.resource.length || b.updated - a.updated).at(0) ?? null
    },
    get: async (of) => await readLogin(loginFile(of)),
    async save(login) {
      await privateFolder(folder)
      const { open: shown, secret } = split(login)
      const file = { ...shown, secret: await close(idOf(login), secret) }
      await writePrivate(loginFile(login), `${JSON.stringify(file, null, 2)}\n`)
    },
    async remove(of) {
      await rm(loginFile(of), { force: true })
    },
    async alone(of, work) {
      await privateFolder(folder)
      return await locked(join(folder, `login-${idOf(of)}.lock`), { clock }, work)
    },
    async registration(issuer) {
      const file = parseJson((await readPrivate(clientFile(issuer))) ?? '')
      return isObject(file) ? registrationOf(await open(fileName(issuer), file['secret'])) : null
    },
    async saveRegistration(registration) {
      await privateFolder(folder)
      const { issuer } = registration
      const file = { issuer, secret: await close(fileName(issuer), registration) }
      await writePrivate(clientFile(issuer), `${JSON.stringify(file, null, 2)}\n`)
    },
    async forgetRegistration(issuer) {
      await rm(clientFile(issuer), { force: true })
    },
    async missing(url) {
      const file = parseJson((await readPrivate(missingFile(url))) ?? '')
      return isObject(file) ? textsOf(file['scopes']) : []
    },
    async saveMissing(url, scopes) {
      await privateFolder(folder)
      if (scopes.length === 0) await rm(missingFile(url), { force: true })
      else await writePrivate(missingFile(url), `${JSON.stringify({ scopes })}\n`)
    },
    where: async () => ((await chain()) === null ? 'file' : 'keyring'),
  }
}

/** @throws BridgeFailure `refused` when a keychain was demanded and there is none. */
async function openChain({ kind, keychain = systemKeychain }: StoreOptions): Promise<Keychain | null> {
  if (kind === 'file') return null
  const chain = await keychain()
  if (chain === null && kind === 'keyring')
    throw new BridgeFailure('refused', 'GATEHOUSE_TOKEN_STORE=keyring, but this machine has no keychain to open')
  return chain
}

async function keyIn(chain: Keychain | null, make: boolean, { folder, clock }: StoreOptions): Promise<Buffer | null> {
  const held = (await chain?.read()) ?? null
  if (held !== null) return Buffer.from(held, 'base64')
  if (chain === null || !make) return null
  await privateFolder(folder)
  // Two first logins at once must agree on one key.
  return await locked(join(folder, 'keychain.lock'), { clock }, async () => {
    const theirs = await chain.read()
    if (theirs !== null) return Buffer.from(theirs, 'base64')
    const made = randomBytes(32)
    await chain.write(made.toString('base64'))
    return made
  })
}

async function tellOnce({ folder, tell }: StoreOptions): Promise<void> {
  const mark = join(folder, 'no-keychain')
  if ((await readPrivate(mark)) !== null) return
  await writePrivate(mark, '')
  tell(`notice: this machine has no keychain. The sign-in is kept in ${folder}, in files that only you can read.`)
}
