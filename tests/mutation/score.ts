import type { Stryker } from '@stryker-mutator/core'

export type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number]

export interface Score {
  /** All that could be judged; a mutant that does not run at all, or was left out, is none. */
  readonly valid: number
  /** Noticed by a test, which failed or ran beyond its time. */
  readonly noticed: number
  /** Of these, by time alone. */
  readonly timeouts: number
  /** Noticed, in percent of valid; 100 when there is nothing to notice. */
  readonly percent: number
  readonly survivors: readonly Mutant[]
}

/** What mutation testing found. A mutant that no test reaches has survived. */
export function scoreOf(results: readonly Mutant[]): Score {
  const having = (...states: readonly Mutant['status'][]): readonly Mutant[] =>
    results.filter(({ status }) => states.includes(status))
  const timeouts = having('Timeout').length
  const noticed = having('Killed').length + timeouts
  const survivors = having('Survived', 'NoCoverage')
  const valid = noticed + survivors.length
  return { valid, noticed, timeouts, percent: valid === 0 ? 100 : (100 * noticed) / valid, survivors }
}

/** One line: score, counts and seconds. */
export const tellScore = (name: string, { valid, noticed, timeouts, percent }: Score, seconds: number): string =>
  `${name.padEnd(12)} ${percent.toFixed(1).padStart(5)} %  ${noticed} of ${valid} mutants noticed (${timeouts} by time), ${Math.round(seconds)} s`

/** One line of a mutant: where, and what became what. `source` is the text of its file, `path` what to call it. */
export function tellMutant(
  { location, mutatorName, replacement, status }: Mutant,
  path: string,
  source: string,
): string {
  const { start, end } = location
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = (lines.at(-1) ?? '').slice(0, end.column - 1)
  lines[0] = (lines[0] ?? '').slice(start.column - 1)
  const found = `${status === 'NoCoverage' ? 'unreached' : 'survived '} ${path}:${start.line}:${start.column}`
  return `${found} ${mutatorName}: ${brief(lines.join('\n'))}  ->  ${brief(replacement ?? '')}`
}

function brief(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ')
  return flat.length > 90 ? `${flat.slice(0, 87)}...` : flat
}
