import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Of `utime` and `stime` in /proc; 100 on every Linux that Node runs on, asked for all the same. */
export function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  } catch {
    return 100
  }
}

/** A process and all that it started (WORKERS), as far as they run. */
function family(pid: number): readonly number[] {
  const found = [pid]
  for (const one of found) {
    try {
      for (const thread of readdirSync(`/proc/${one}/task`))
        found.push(...(readFileSync(`/proc/${one}/task/${thread}/children`, 'utf8').match(/\d+/g) ?? []).map(Number))
    } catch {
      // It ended meanwhile, or there is no /proc: whoever asks next says so.
    }
  }
  return found
}

const ticks = (pid: number): number => {
  // The name in parentheses may hold spaces; after it the 12th and 13th field are utime and stime (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

const kilobytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

function sum(pid: number, of: (pid: number) => number): number | null {
  try {
    return family(pid).reduce((total, one) => total + of(one), 0)
  } catch {
    return null
  }
}

/** Processor time of a process and its children so far, in ticks, threads included; null where there is no /proc (not Linux). */
export const ticksOf = (pid: number): number | null => sum(pid, ticks)

/** Resident memory of a process and its children in MB, shared pages counted for each; null where there is no /proc. */
export function memoryOf(pid: number): number | null {
  const total = sum(pid, kilobytes)
  return total === null ? null : total / 1024
}
