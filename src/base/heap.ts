import { setFlagsFromString } from 'node:v8'

/** Per cent. */
const GROWTH = 50

/**
 * Keeps the heap of this process near what is alive in it: garbage is collected when the heap is half as large again as it was after the last time,
 * and some megabytes. Left to itself V8 waits until it is four times as large where memory seems plenty and a collection slow (a busy machine):
 * 65 MiB alive became 275 MiB before anything was given up, so that resident memory grew for ten minutes and looked like a leak. Not
 * `--max-old-space-size`: this changes no limit, and so fits a small container as well. What it costs and saves is in docs/operations/fairness.md.
 * For the program only: it holds for the whole process, and cannot be taken back.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`)
}
