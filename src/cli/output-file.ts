import { open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { answer, EXIT, type Terminal } from './terminal.ts'

interface Asked {
  readonly slug: string
  /** `-` is standard output. */
  readonly out: string
  readonly json: boolean | undefined
}

/**
 * Streams everything of a tenant to where `--out` says. A file is made before `make` is asked, for nobody else to read and never over one that
 * exists (then the command ends with exit code 1); it is on the disk before it is answered, and one that broke off is taken away.
 */
export async function writeOut(
  command: Command,
  terminal: Terminal,
  { slug, out, json }: Asked,
  make: () => Promise<Readable>,
): Promise<void> {
  if (out === '-') return await pipeline(await make(), terminal.stdout, { end: false })
  const path = resolve(terminal.cwd, out)
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    const why = error instanceof Error && 'code' in error && error.code === 'EEXIST' ? 'it exists' : String(error)
    return command.error(`error: ${path} cannot be written: ${why}`, { exitCode: EXIT.failed })
  })
  try {
    const target = file.createWriteStream({ flush: true })
    await pipeline(await make(), target)
    answer(terminal, json, { slug, file: path, bytes: target.bytesWritten }, () => path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(path, { force: true })
    throw error
  }
}
