import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '#base/clock.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, parseJson } from './json.ts'
import { codeOf } from './private-file.ts'

export interface LockOptions {
  readonly clock: Clock
  /** Milliseconds after which a lock counts as left behind, whoever holds it; longer than anything done under one. Default 30 000. */
  readonly ttl?: number
  /** Milliseconds to wait for another process. Default 35 000, so that one that was left behind is outwaited. */
  readonly patience?: number
}

/**
 * Runs `work` while no other process of this person runs it under the same path. The lock is a file made with O_EXCL, which says who
 * holds it; it is taken over from a process that is gone (pid and start time) or that held it for longer than `ttl`.
 * What was read before must be read again inside.
 * @throws BridgeFailure `unavailable` when it was not to be had in time.
 */
export async function locked<Result>(path: string, options: LockOptions, work: () => Promise<Result>): Promise<Result> {
  const mine = JSON.stringify({
    id: randomUUID(),
    pid: process.pid,
    started: await startOf('self'),
    host: hostname(),
  })
  await take(path, mine, options)
  try {
    return await work()
  } finally {
    // Only ours: after `ttl` it may be somebody else's by now.
    if ((await contentOf(path)) === mine) await rm(path, { force: true })
  }
}

async function take(
  path: string,
  mine: string,
  { clock, ttl = 30_000, patience = 35_000 }: LockOptions,
): Promise<void> {
  const until = clock.now() + patience
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.writeFile(mine)
      } finally {
        await file.close()
      }
      return
    } catch (error) {
      // Windows says EPERM while another process removes it.
      if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'EPERM') throw error
    }
    if (await isLeftBehind(path, clock, ttl)) continue
    if (clock.now() > until)
      throw new BridgeFailure('unavailable', 'another process holds the login for too long; try again')
    await pause(20 + Math.random() * 30)
  }
}

/** Removes a lock that nobody holds any more. true: look again at once. */
async function isLeftBehind(path: string, clock: Clock, ttl: number): Promise<boolean> {
  const content = await contentOf(path)
  if (content === null) return true
  const age = await stat(path).then(
    (is) => clock.now() - is.mtimeMs,
    () => 0,
  )
  if (age <= ttl && (await isHeld(content))) return false
  // Renamed first, and looked at again: two that find it left behind must not remove the lock that a third took meanwhile.
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if ((await contentOf(aside)) !== content) await link(aside, path).catch(() => undefined)
    await rm(aside, { force: true })
  } catch {
    // Another was faster.
  }
  return true
}

/** Does the process that wrote this still live? What cannot be told counts as yes, until the ttl. */
async function isHeld(content: string): Promise<boolean> {
  const holder = parseJson(content)
  // No JSON yet: it is being written.
  if (!isObject(holder) || typeof holder['pid'] !== 'number' || holder['host'] !== hostname()) return true
  try {
    process.kill(holder['pid'], 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const started = await startOf(holder['pid'])
  return started === '' || holder['started'] === '' || started === holder['started']
}

/** When a process began, in the kernel's own words; '' where that is not to be had. A number is used again, this pair is not. */
async function startOf(pid: number | 'self'): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold spaces and brackets; starttime is the 20th field after it (proc(5)).
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return null
  }
}
