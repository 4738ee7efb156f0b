import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Of `utime` and `stime` in /proc; 100 on every Linux that Node runs on, asked for all the same. */
export function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  } catch {
    return 100
  }
}

/** Processor time of a process so far, in ticks, threads included; null where there is no /proc (not Linux). */
export function ticksOf(pid: number): number | null {
  try {
    // The name in parentheses may hold spaces; after it the 12th and 13th field are utime and stime (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return null
  }
}

/** Resident memory of a process in MB; null where there is no /proc. */
export function memoryOf(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) / 1024
  } catch {
    return null
  }
}
