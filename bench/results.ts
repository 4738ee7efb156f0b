import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { moreIsBetter, type Row } from './row.ts'

/** One run, as it is written down. */
export interface Results {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly command: string
  /** Of the machine in the last minute when the run began: above 1 others were at work. */
  readonly load: number
  readonly rounds: number
  readonly seconds: number
  readonly rows: readonly Row[]
}

/** `2026-11-21-amd-epyc.json` */
export const fileName = ({ at, machine }: Pick<Results, 'at' | 'machine'>): string =>
  `${at.slice(0, 10)}-${machine
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')}.json`

export async function write(file: string, results: Results): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
}

/** The newest of a folder; null when there is none. */
export async function newest(folder: string): Promise<Results | null> {
  const names = await readdir(folder).catch(() => [])
  const all = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Results),
  )
  return all.toSorted((a, b) => a.at.localeCompare(b.at)).at(-1) ?? null
}

/** Part by which a figure may get worse before it is said: less is noise on a machine that others use too. */
const NOISE = 0.2

/** What got worse since then by more than a fifth, in words. Only figures that both runs have. */
export function worse(before: Results, now: readonly Row[]): string[] {
  const known = new Map(before.rows.map((row) => [row.id, row]))
  return now.flatMap((row) => {
    const old = known.get(row.id)?.figure?.median
    const median = row.figure?.median
    if (old === undefined || median === undefined || old <= 0 || median <= 0) return []
    const by = moreIsBetter(row) ? old / median : median / old
    return by > 1 + NOISE
      ? [`${row.title} (${row.of ?? row.id}): ${old.toFixed(3)} then, ${median.toFixed(3)} now`]
      : []
  })
}
