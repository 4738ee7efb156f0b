import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Milliseconds between two looks. Looking works where the system tells of no changes too: folders shared into a container. */
const EVERY = 500

export interface FolderWatch {
  start(): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Calls `changed` when a file in the folder was written, came or went, one call at a time. Names, sizes and times are what counts. */
export function watchFolder(folder: string, changed: () => Promise<void>, every = EVERY): FolderWatch {
  let seen = stateOf(folder)
  let busy: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  const look = (): void => {
    if (busy !== null) return
    const now = stateOf(folder)
    if (now === seen) return
    seen = now
    busy = changed().finally(() => (busy = null))
  }
  return {
    start() {
      timer ??= setInterval(look, every).unref()
    },
    async close() {
      if (timer !== null) clearInterval(timer)
      await busy
    },
  }
}

/** A file that goes while we look is seen the next time. */
function stateOf(folder: string): string {
  const lines: string[] = []
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const at = join(path, entry.name)
      if (entry.isDirectory()) walk(at)
      else {
        const { mtimeMs, ctimeMs, size } = statSync(at)
        lines.push(`${at} ${mtimeMs} ${ctimeMs} ${size}`)
      }
    }
  }
  try {
    walk(folder)
  } catch {
    lines.push('gone')
  }
  return lines.join('\n')
}
