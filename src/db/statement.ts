import { isSql, type Sql } from './sql.ts'

/** A statement that the guard does not let through (D15): somebody's tool is wrong, or tries something. */
export class WallRefused extends TypeError {
  override readonly name = 'WallRefused'
}

/** What a statement may begin with. SET, DO, COPY, CALL, BEGIN, GRANT and all else of that kind is not here. */
const FIRST = new Set(['select', 'insert', 'update', 'delete', 'merge', 'values', 'with'])

/**
 * What no statement may name, as it changes who speaks, reaches another session, runs text as SQL or holds what outlives
 * the transaction. Names are compared as Postgres would read them: lower case, quoted or not.
 */
const REFUSED = [
  /^set_config$/,
  /^pg_settings$/,
  /_to_xml(schema|_and_xmlschema)?$/,
  /^ts_(stat|rewrite)$/,
  /^pg_notify$/,
  /^pg_(try_)?advisory_/,
  /^pg_(cancel|terminate)_backend$/,
  /^lo_|^lo(read|write)$/,
  /^dblink/,
  /^pg_sleep/,
  /^set(seed|_limit)$/,
]

/** String constants, comments and quoted names are told apart from bare words in one pass, in the order Postgres does. */
const TOKEN =
  /(?<comment>--[^\n\r]*|\/\*)|(?<unicode>[uU]&['"])|(?<escaped>[eE]')|(?<text>'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*")|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<broken>['"])/g

/**
 * Checks what is about to be said to a database: made by the `sql` template, and within D15. Each text is looked at once.
 * Throws WallRefused, a TypeError: a bug of the tool, never its caller's.
 * A guard against mistakes and cheap tricks; the wall itself is the role (and `TENANT_LOGIN`, D16).
 */
export function createStatementCheck(): (statement: Sql) => Sql {
  // Texts are constants of the program, so there are as many as call sites.
  const passed = new Set<string>()
  return (statement) => {
    if (!isSql(statement)) throw new WallRefused('db.query takes only what the sql`...` template made')
    if (!passed.has(statement.text)) {
      checkText(statement.text)
      passed.add(statement.text)
    }
    return statement
  }
}

function checkText(text: string): void {
  const names = wordsOf(text)
  const first = names[0] ?? ''
  if (!FIRST.has(first)) throw new WallRefused(`a statement cannot begin with ${JSON.stringify(first)}`)
  for (const name of names) {
    if (REFUSED.some((pattern) => pattern.test(name))) throw new WallRefused(`a statement cannot use ${name}`)
  }
}

/** Every name in the statement, lower case, string constants and comments left out. */
function wordsOf(text: string): string[] {
  const words: string[] = []
  const pattern = new RegExp(TOKEN)
  for (let token = pattern.exec(text); token !== null; token = pattern.exec(text)) {
    const { comment, unicode, escaped, quoted, dollar, word, broken } = token.groups ?? {}
    if (unicode !== undefined) throw new WallRefused('a statement cannot use U& escapes')
    // Where such a string ends depends on what follows it on the next line: bound values need no escapes.
    if (escaped !== undefined) throw new WallRefused("a statement cannot use E'' escapes")
    if (dollar !== undefined) throw new WallRefused('a statement cannot use dollar-quoted text')
    if (broken !== undefined) throw new WallRefused('a statement has an unclosed quote')
    if (comment === '/*') pattern.lastIndex = endOfComment(text, pattern.lastIndex)
    if (word !== undefined) words.push(word.toLowerCase())
    if (quoted !== undefined) words.push(quoted.slice(1, -1).replaceAll('""', '"').toLowerCase())
  }
  return words
}

/** Block comments nest in Postgres. */
function endOfComment(text: string, from: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = from
  for (let depth = 1; ;) {
    const found = edge.exec(text)
    if (found === null) throw new WallRefused('a statement has an unclosed comment')
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
}
