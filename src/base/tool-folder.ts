import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'

export interface ToolFolder {
  /** Absolute paths of the files directly in it, sorted. Sub-folders hold helpers. */
  readonly files: readonly string[]
  /** SHA-256 in hex by path relative to the folder; helpers too, for what they hold runs as well. */
  readonly digests: ReadonlyMap<string, string>
  /** Why it cannot be trusted; empty: it can. */
  readonly problems: readonly string[]
}

/**
 * Looks at TOOLS_DIR before anything in it runs (D5): absolute, no link that leads out of it, nothing that every user may
 * change, and in production nothing that this process's own user may change, so that a hole in a tool cannot become code.
 * Mode bits are what counts: root could write anyway, and is to be stopped from doing so by accident all the same.
 */
export function inspectToolFolder(folder: string, production: boolean): ToolFolder {
  const files: string[] = []
  const digests = new Map<string, string>()
  const problems: string[] = []
  const found = { files, digests, problems }
  if (!isAbsolute(folder)) {
    problems.push('TOOLS_DIR: must be an absolute path')
    return found
  }
  const root = existing(folder)
  if (root === null || !statSync(root).isDirectory()) {
    problems.push(`TOOLS_DIR: there is no folder ${folder}`)
    return found
  }
  const look = (path: string): Stats | null => {
    const name = relative(root, path) || '.'
    const real = existing(path)
    if (real === null || (real !== root && !real.startsWith(root + sep))) {
      problems.push(`TOOLS_DIR: ${name} is a link that leads out of the folder or nowhere`)
      return null
    }
    const stats = statSync(real)
    if ((stats.mode & 0o002) !== 0) problems.push(`TOOLS_DIR: ${name} may be changed by every user; remove that right`)
    else if (production && writableByUs(stats)) {
      problems.push(`TOOLS_DIR: ${name} may be changed by the server's own user; make it read-only (chmod a-w)`)
    }
    return stats
  }
  const walk = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const at = join(path, name)
      const stats = look(at)
      if (stats?.isFile() === true) {
        digests.set(relative(root, at), createHash('sha256').update(readFileSync(at)).digest('hex'))
        if (path === root) files.push(at)
      }
      // A link to a folder inside is walked where it truly lies.
      if (stats?.isDirectory() === true && existing(at) === at) walk(at)
    }
  }
  look(root)
  walk(root)
  return found
}

function existing(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}

/** By the class of bits that the kernel would look at for this process; Windows has none and answers false. */
function writableByUs({ uid, gid, mode }: Stats): boolean {
  if (process.geteuid === undefined || process.getgroups === undefined) return false
  if (uid === process.geteuid()) return (mode & 0o200) !== 0
  if (gid === process.getegid?.() || process.getgroups().includes(gid)) return (mode & 0o020) !== 0
  return false
}
