import type { MigrationFailure, MigrationProgress } from '#db/database.ts'
import { plain } from './table.ts'
import { tell, type Terminal } from './terminal.ts'

const WIDTH = 30
/** Milliseconds over which the pace is measured, and between two pictures of the bar. */
const WINDOW = 15_000
const PICTURE = 100

/** A bar with pace and time left on a terminal; elsewhere a line at each tenth, so that a log stays short. @param now milliseconds */
export function display(
  terminal: Terminal,
  now: () => number,
  things = 'tenants',
): (progress: Pick<MigrationProgress, 'total' | 'done' | 'current'> & { readonly failed: readonly unknown[] }) => void {
  const seen: { readonly at: number; readonly over: number }[] = []
  let drawn = -Infinity
  let told = 0
  return ({ total, done, current, failed }) => {
    const at = now()
    const over = done + failed.length
    if (seen.at(-1)?.over !== over) seen.push({ at, over })
    while (seen.length > 2 && at - (seen[0]?.at ?? at) > WINDOW) seen.shift()
    const pace = paceOf(seen, at)
    const state = [
      `${over}/${total}`,
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
      ...(pace === null ? [] : [`${pace < 10 ? pace.toFixed(1) : Math.round(pace)}/s`]),
      ...(pace === null || over === total ? [] : [`${spoken((total - over) / pace)} left`]),
    ]
    if (terminal.stderr.isTTY === true) {
      if (at - drawn < PICTURE && over < total) return
      drawn = at
      const bar = '#'.repeat(Math.round((over / Math.max(1, total)) * WIDTH)).padEnd(WIDTH, '.')
      const line = [`[${bar}]`, ...state, current === null ? '' : plain(current)]
        .join(' ')
        .slice(0, (terminal.stderr.columns ?? 80) - 1)
      terminal.stderr.write(`\r\u001b[K${line}${over === total ? '\n' : ''}`)
      return
    }
    const tenth = total === 0 ? told : Math.floor((over / total) * 10)
    if (tenth === told) return
    told = tenth
    tell(
      terminal,
      `${over} of ${total} ${things}${state
        .slice(1)
        .map((part) => `, ${part}`)
        .join('')}`,
    )
  }
}

/** Tenants a second; null: too early to tell. */
function paceOf(seen: readonly { readonly at: number; readonly over: number }[], at: number): number | null {
  const [first] = seen
  const last = seen.at(-1)
  if (first === undefined || last === undefined || at <= first.at || last.over === first.over) return null
  return ((last.over - first.over) / (at - first.at)) * 1000
}

/** Seconds as people say them: 45 s, 3 min, 2.5 h. */
function spoken(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

/** `acme: 0003_next.sql 42P07: what Postgres says`, and on a second line what helps. */
export function reasonOf({ slug, file, sqlstate, error, hint }: Omit<MigrationFailure, 'schema'>): string {
  const where = [file, sqlstate].filter((part) => part !== null).join(' ')
  return `${slug}: ${where === '' ? '' : `${where}: `}${plain(error)}${hint === null ? '' : `\n  ${hint}.`}`
}
