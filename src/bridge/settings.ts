import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Environment } from '#base/config-reader.ts'
import { hasScreen } from './browser.ts'
import { BridgeFailure } from './failure.ts'

/** What the client side reads from its own environment; nothing of the server's configuration is read here. */
export interface BridgeSettings {
  /** The folder of logins: GATEHOUSE_CONFIG_DIR, or where the system keeps such things. */
  readonly folder: string
  /** GATEHOUSE_TOKEN_STORE; null: the keychain where there is one, else a file. */
  readonly store: 'keyring' | 'file' | null
  /** GATEHOUSE_CLIENT_ID, GATEHOUSE_CLIENT_SECRET and GATEHOUSE_CLIENT_METADATA_URL, for `login`. */
  readonly clientId: string | null
  readonly clientSecret: string | null
  readonly clientMetadataUrl: string | null
  /** Is there a screen on which a browser would be seen? */
  readonly screen: boolean
}

/** The variables that are ours, for people (docs/bridge.md). */
export const VARIABLES = [
  'GATEHOUSE_CONFIG_DIR',
  'GATEHOUSE_TOKEN_STORE',
  'GATEHOUSE_CLIENT_ID',
  'GATEHOUSE_CLIENT_SECRET',
  'GATEHOUSE_CLIENT_METADATA_URL',
] as const

/** @throws BridgeFailure `usage` when GATEHOUSE_TOKEN_STORE is something else. */
export function readSettings(env: Environment = process.env, platform = process.platform): BridgeSettings {
  const any = (name: string): string | null => {
    const value = env[name]?.trim()
    return value === undefined || value === '' ? null : value
  }
  const given = (name: (typeof VARIABLES)[number]): string | null => any(name)
  const store = given('GATEHOUSE_TOKEN_STORE')
  if (store !== null && store !== 'keyring' && store !== 'file')
    throw new BridgeFailure('usage', 'GATEHOUSE_TOKEN_STORE is keyring or file')
  const folder = given('GATEHOUSE_CONFIG_DIR')
  return {
    folder: folder === null ? defaultFolder(any, platform) : resolve(folder),
    store,
    clientId: given('GATEHOUSE_CLIENT_ID'),
    clientSecret: given('GATEHOUSE_CLIENT_SECRET'),
    clientMetadataUrl: given('GATEHOUSE_CLIENT_METADATA_URL'),
    screen: hasScreen(env, platform),
  }
}

/** One folder for every version of the program: an update never asks anybody to sign in again. */
function defaultFolder(given: (name: string) => string | null, platform: NodeJS.Platform): string {
  const home = given('HOME') ?? homedir()
  if (platform === 'win32') return join(given('APPDATA') ?? join(home, 'AppData', 'Roaming'), 'gatehouse')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'gatehouse')
  return join(given('XDG_CONFIG_HOME') ?? join(home, '.config'), 'gatehouse')
}
