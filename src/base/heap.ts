import { setFlagsFromString } from 'node:v8'

/** Per cent. */
const GROWTH = 50

/**
 * How V8 keeps the memory of this process.
 *
 * `--no-allocation-site-pretenuring`: else V8 learns, in the first moments of load, that what a request makes lives long (the heap is still small, and
 * many requests are under way whenever it looks), and from then on makes it in old space, where each request keeps the next one's objects alive until
 * all of old space is collected. What that cost is in docs/performance.md.
 *
 * `--heap-growing-percent`: garbage is collected when the heap is half as large again as it was after the last time, and some megabytes. Left to
 * itself V8 waits until it is four times as large where memory seems plenty and a collection slow (a busy machine): 65 MiB alive became 275 MiB before
 * anything was given up. Not `--max-old-space-size`: this changes no limit, and so fits a small container as well. What it costs and saves is in
 * docs/operations/fairness.md.
 *
 * For the program only: it holds for the whole process, and cannot be taken back.
 */
export function tuneHeap(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`)
}
