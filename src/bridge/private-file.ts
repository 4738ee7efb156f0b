import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { BridgeFailure } from './failure.ts'

const isPosix = process.platform !== 'win32'
const isOurs = (uid: number): boolean => process.getuid === undefined || uid === process.getuid()

/** The folder, made when it is missing, that nobody else can look into (0700). @throws BridgeFailure `refused` when it is not ours. */
export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const is = await lstat(path)
  if (!is.isDirectory() || (isPosix && !isOurs(is.uid)))
    throw new BridgeFailure('refused', `${path} is not a folder of yours: logins are not kept there`)
  if (isPosix && (is.mode & 0o077) !== 0) await chmod(path, 0o700)
  return path
}

/**
 * The text of a file of ours, or null when there is none.
 * @throws BridgeFailure `refused` when it is a link, somebody else's, or others can read it: then its tokens count as lost.
 */
export async function readPrivate(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | (isPosix ? constants.O_NOFOLLOW : 0))
    try {
      const is = await file.stat()
      if (isPosix && (!isOurs(is.uid) || (is.mode & 0o077) !== 0))
        throw new BridgeFailure('refused', `${path} can be read by others: delete it and sign in again`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    if (codeOf(error) === 'ELOOP') throw new BridgeFailure('refused', `${path} is a link: delete it and sign in again`)
    throw error
  }
}

/** Puts the whole file in place at once (0600): a reader finds the old or the new one, never half. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const made = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(made, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(made, path)
  } catch (error) {
    await rm(made, { force: true })
    throw error
  }
}

export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
