import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** How the holder is reached. */
export type Endpoint = { readonly path: string } | { readonly port: number; readonly password: string }

export interface Held {
  /** Tells others where the database is to be found. */
  publish(endpoint: Endpoint): Promise<void>
  /** Last of all, when the files are closed. */
  release(): Promise<void>
}

interface Entry {
  readonly pid: number
  /** Which process of that number: numbers come again, in containers even the same one at every start. Null where nobody knows. */
  readonly birth: string | null
  readonly token: string
  readonly endpoint: Endpoint | null
}

const LOCK = 'db.lock'
const TRY_AGAIN = 20
const UNREADABLE_PATIENCE = 2_000

/**
 * Takes the folder's database for this process, as PGlite has no lock of its own and loses data when opened twice; or answers where
 * its living holder is. Never takes it from a living process. Does not see holders on other machines: no network file systems.
 * @param name of the lock's file.
 */
export async function takeLock(folder: string, name = LOCK): Promise<Held | { readonly holder: Endpoint | null }> {
  const file = join(folder, name)
  const mine: Entry = {
    pid: process.pid,
    birth: await birthOf(process.pid),
    token: randomBytes(16).toString('hex'),
    endpoint: null,
  }
  const deadline = Date.now() + UNREADABLE_PATIENCE
  for (;;) {
    if (await create(file, mine)) return held(file, mine)
    const entry = await read(file)
    // Between the making of the file and its writing it is empty for a moment; for longer only after a crash just there.
    if (entry === null && Date.now() < deadline) await pause(TRY_AGAIN)
    else if (entry !== null && (await isAlive(entry))) return { holder: entry.endpoint }
    else if (await takeOver(folder, name, entry, mine)) return held(file, mine)
  }
}

function held(file: string, mine: Entry): Held {
  return {
    async publish(endpoint) {
      await replace(file, { ...mine, endpoint })
    },
    async release() {
      if ((await read(file))?.token === mine.token) await rm(file, { force: true })
    },
  }
}

async function create(file: string, entry: Entry): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(entry), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function replace(file: string, entry: Entry): Promise<void> {
  const next = `${file}.${entry.token}`
  await writeFile(next, JSON.stringify(entry), { mode: 0o600 })
  await rename(next, file)
}

/**
 * Several may see the same dead holder, and any of them may be held up for any time between two steps: only who holds the lock that
 * belongs to this dead one may replace it, and only while it is still there. Who dies just then leaves a lock like any other.
 */
async function takeOver(folder: string, name: string, dead: Entry | null, mine: Entry): Promise<boolean> {
  const file = join(folder, name)
  const token = dead !== null && /^[0-9a-f]+$/.test(dead.token) ? dead.token : 'unreadable'
  const heir = await takeLock(folder, `${name}.after.${token}`)
  if (!('publish' in heir)) {
    await pause(TRY_AGAIN)
    return false
  }
  try {
    if ((await read(file))?.token !== dead?.token) return false
    await replace(file, mine)
    return true
  } finally {
    await heir.release()
  }
}

async function read(file: string): Promise<Entry | null> {
  try {
    const entry: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isEntry(entry) ? entry : null
  } catch {
    return null
  }
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  'birth' in value &&
  'token' in value &&
  'endpoint' in value

async function isAlive({ pid, birth, endpoint }: Entry): Promise<boolean> {
  // In another container on the same volume its number means nothing here, but its socket answers.
  if (endpoint !== null && 'path' in endpoint && (await answers(endpoint.path))) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
  }
  return birth === null || birth === (await birthOf(pid))
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** When the process was started, as Linux knows it: boot and clock ticks (proc(5), field 22). */
async function birthOf(pid: number): Promise<string | null> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const status = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets, and may hold anything.
    const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
    return ticks === undefined ? null : `${boot}/${ticks}`
  } catch {
    return null
  }
}
