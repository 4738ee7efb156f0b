import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { uuidv7 } from '#base/id.ts'

/** The file of DATA_DIR that holds the development issuer's keys and registrations, mode 0600. */
const DEV_STATE_FILE = 'dev-issuer.json'

const State = z.object({
  /** ES256, private. */
  key: z.object({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: z.string(),
    y: z.string(),
    d: z.string(),
    kid: z.string(),
  }),
  cookieKeys: z.array(z.string().min(32)).min(1),
  /** What oidc-provider wants to find again: `<model>:<id>` to its payload. */
  records: z.record(z.string(), z.object({ payload: z.record(z.string(), z.unknown()), until: z.number().nullable() })),
})

export type DevState = z.output<typeof State>
export type DevRecord = DevState['records'][string]

function newState(): DevState {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  return State.parse({
    key: { ...jwk, kid: uuidv7() },
    cookieKeys: [randomBytes(32).toString('base64url')],
    records: {},
  })
}

/** Written beside, flushed, then put in place: a reader sees a whole file or none. */
async function write(
  folder: string,
  state: DevState,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const beside = join(folder, `${DEV_STATE_FILE}.${uuidv7()}`)
  try {
    const file = await open(beside, 'wx', 0o600)
    await file.writeFile(JSON.stringify(state))
    await file.sync()
    await file.close()
    await place(beside, join(folder, DEV_STATE_FILE))
  } finally {
    await rm(beside, { force: true })
  }
}

const code = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

async function read(folder: string): Promise<DevState | null> {
  try {
    return State.parse(JSON.parse(await readFile(join(folder, DEV_STATE_FILE), 'utf8')))
  } catch (error) {
    if (code(error) === 'ENOENT') return null
    throw new Error(`${join(folder, DEV_STATE_FILE)} cannot be used: remove it to start the development sign-in anew`, {
      cause: error,
    })
  }
}

/** What is there, or made now; of two processes that start at once, the first one's file stands for both. */
export async function openDevState(folder: string): Promise<DevState> {
  const found = await read(folder)
  if (found !== null) return found
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await write(folder, newState(), link).catch((error: unknown) => {
    if (code(error) !== 'EEXIST') throw error
  })
  return await openDevState(folder)
}

export async function saveDevState(folder: string, state: DevState): Promise<void> {
  await write(folder, state, rename)
}
