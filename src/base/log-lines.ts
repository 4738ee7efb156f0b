/** Octets that go into a pipe whole (POSIX: PIPE_BUF is 4,096 on Linux), so that lines of several workers never stand in one another. */
const WHOLE = 4_096

export interface Lines {
  readonly write: (line: string) => void
  readonly flush: () => void
}

/**
 * Lines that are written together, at the end of the turn of the event loop in which they came: a few system calls instead of one for each. Nothing
 * is kept longer; what waits when the process ends is to be written then (`flush`, on 'exit'). Of a process that is killed a turn's lines are lost.
 */
export function gatherLines(write: (text: string) => void): Lines {
  let waiting = ''
  let octets = 0
  let due = false
  const flush = (): void => {
    const text = waiting
    waiting = ''
    octets = 0
    if (text !== '') write(text)
  }
  return {
    write(line) {
      const more = Buffer.byteLength(line)
      if (octets + more > WHOLE) flush()
      waiting += line
      octets += more
      if (due) return
      due = true
      setImmediate(() => {
        due = false
        flush()
      })
    },
    flush,
  }
}
