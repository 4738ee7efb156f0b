/** What is passed over whole, in the order in which Postgres tells them apart (its manual, 4.1): nothing in it ends a statement. */
const WHOLE =
  /--[^\n\r]*|\b[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$\u0080-\uffff])(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[^]*?\1|\/\*|;/g

/**
 * The statements of a file, each without its semicolon, in order; what holds only comments is left out. A Citus coordinator takes one
 * statement for each message when it changes structure (notes: one statement per DDL message), so migrations are always sent like that.
 * Throws SyntaxError for what it would cut in the wrong place: a function body written as BEGIN ATOMIC, a comment or constant without end.
 */
export function statementsOf(text: string): readonly string[] {
  const statements: string[] = []
  let from = 0
  let bare = ''
  let at = 0
  const finish = (to: number): void => {
    if (/\bbegin\s+atomic\b/i.test(bare)) throw new SyntaxError('BEGIN ATOMIC cannot be told from its end: write AS $$')
    if (/['"]/.test(bare)) throw new SyntaxError('a constant or a name in quotes has no end')
    if (bare.trim() !== '') statements.push(text.slice(from, to).trim())
    bare = ''
  }
  const tokens = new RegExp(WHOLE)
  for (let found = tokens.exec(text); found !== null; found = tokens.exec(text)) {
    bare += text.slice(at, found.index)
    at = tokens.lastIndex
    const [token] = found
    if (token === '/*') tokens.lastIndex = at = endOfComment(text, found.index)
    else if (token === ';') {
      finish(found.index)
      from = at
    } else if (!token.startsWith('--')) bare += 'x'
  }
  bare += text.slice(at)
  finish(text.length)
  return statements
}

/** Comments in slashes nest. */
function endOfComment(text: string, start: number): number {
  let depth = 0
  for (const { 0: token, index } of text.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += token === '/*' ? 1 : -1
    if (depth === 0) return start + index + 2
  }
  throw new SyntaxError('a comment has no end')
}
