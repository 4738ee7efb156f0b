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
/** After a takeover: long enough for another that saw the same dead holder to have done its own. */
const SETTLE = 100
const UNREADABLE_PATIENCE = 2_000

/**
 * Takes the folder's database for this process, as PGlite has no lock of its own and loses data when opened twice; or answers where
 * its living holder is. Never takes it from a living process. Does not see holders on other machines: no network file systems.
 */
export async function takeLock(folder: string): Promise<Held | { readonly holder: Endpoint | null }> {
  const file = join(folder, LOCK)
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
    if (entry === null && Date.now() < deadline) await pause(20)
    else if (entry !== null && (await isAlive(entry))) return { holder: entry.endpoint }
    else if (await takeOver(file, mine)) return held(file, mine)
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

/** Two may see the same dead holder: the last to replace it wins, and both find out. */
async function takeOver(file: string, mine: Entry): Promise<boolean> {
  await replace(file, mine)
  await pause(SETTLE)
  return (await read(file))?.token === mine.token
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
