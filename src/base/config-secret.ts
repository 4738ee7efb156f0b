import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, type Config } from './config.ts'

/**
 * The configuration with at least one session secret. Outside production a missing one is made once in DATA_DIR/session-secret (0600);
 * two processes that start together agree on one, because a finished file is linked into place and the first link wins.
 * @throws ConfigError when that file cannot be made, or holds something else.
 */
export function ensureSessionSecret(config: Config): Config {
  if (config.sessionSecrets.length > 0) return config
  const file = join(config.dataDir, 'session-secret')
  const secret = existing(file) ?? create(config.dataDir, file)
  if (secret.length < 32)
    throw new ConfigError([`SESSION_SECRET: ${file} holds fewer than 32 characters; delete it to get a new one`])
  return Object.freeze({ ...config, sessionSecrets: Object.freeze([secret]) })
}

function create(dataDir: string, file: string): string {
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    try {
      linkSync(draft, file)
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
    } finally {
      rmSync(draft, { force: true })
    }
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError([
      `DATA_DIR: ${dataDir} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`,
    ])
  }
}

function existing(file: string): string | null {
  try {
    const secret = readFileSync(file, 'utf8').trim()
    chmodSync(file, 0o600)
    return secret
  } catch (error) {
    // A path through a file, too: that it cannot be made is said when it is made.
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    throw new ConfigError([`SESSION_SECRET: ${file} cannot be read`])
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
