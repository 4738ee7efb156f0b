import { randomUUID } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
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

const TTL = 30_000

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
  const { clock, ttl = TTL } = options
  await take(path, mine, options)
  const taken = clock.now()
  const ours = async (): Promise<boolean> => (await contentOf(path)) === mine
  try {
    return await work()
  } finally {
    // Near `ttl` it may be taken over in this moment.
    if (clock.now() - taken > ttl / 2) await removeIf(path, clock, ttl, ours)
    else if (await ours()) await rm(path, { force: true })
  }
}

async function take(path: string, mine: string, { clock, ttl = TTL, patience = 35_000 }: LockOptions): Promise<void> {
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

/** Is this lock one that nobody holds any more? Then it is removed. true: look again at once. */
async function isLeftBehind(path: string, clock: Clock, ttl: number): Promise<boolean> {
  const stale = async (): Promise<boolean> => {
    const content = await contentOf(path)
    if (content === null) return false
    return (await ageOf(path, clock)) > ttl || !(await isHeld(content))
  }
  if ((await contentOf(path)) === null) return true
  return (await stale()) && (await removeIf(path, clock, ttl, stale))
}

/**
 * Removes the lock if that still holds once nobody else can remove it: of two that find it left behind, the slower would otherwise remove
 * the lock that a third has taken meanwhile. A second file, held for the time of a look, keeps the others away; one that its maker's death
 * left behind is given up after `ttl`. false: another is at it, or it is none to be removed.
 */
async function removeIf(path: string, clock: Clock, ttl: number, still: () => Promise<boolean>): Promise<boolean> {
  const guard = `${path}.removing`
  try {
    await (await open(guard, 'wx', 0o600)).close()
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'EPERM') throw error
    if ((await ageOf(guard, clock)) > ttl) await rm(guard, { force: true })
    return false
  }
  try {
    if (!(await still())) return false
    await rm(path, { force: true })
    return true
  } finally {
    await rm(guard, { force: true })
  }
}

const ageOf = async (path: string, clock: Clock): Promise<number> =>
  await stat(path).then(
    (is) => clock.now() - is.mtimeMs,
    () => 0,
  )

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
