/**
 * Does every object of this JSON text have each member once? Readers differ in which of two they take (RFC 8259 section 4,
 * RFC 7519 section 4), so two are never honest. Looks at nested objects too. The text must be valid JSON: it is not checked here.
 */
export function hasUniqueMembers(json: string): boolean {
  /** One per open bracket: the names seen so far in an object, null in an array. */
  const open: (Set<string> | null)[] = []
  let nameComes = false
  for (const [piece] of json.matchAll(STRINGS_AND_BRACKETS)) {
    if (piece === '{' || piece === '[') {
      open.push(piece === '{' ? new Set() : null)
      nameComes = piece === '{'
    } else if (piece === '}' || piece === ']') {
      open.pop()
      nameComes = false
    } else if (piece === ',') {
      nameComes = open.at(-1) instanceof Set
    } else if (nameComes) {
      const names = open.at(-1)
      // Escapes are undone first: "\u0069ss" is "iss".
      const name = String(JSON.parse(piece))
      if (names?.has(name) === true) return false
      names?.add(name)
      nameComes = false
    }
  }
  return true
}

/** How many brackets of this JSON text are open at once at the most; those inside strings do not count. */
export function nestingOf(json: string): number {
  let open = 0
  let most = 0
  for (const [piece] of json.matchAll(STRINGS_AND_BRACKETS)) {
    if (piece === '{' || piece === '[') open += 1
    else if (piece === '}' || piece === ']') open -= 1
    most = Math.max(most, open)
  }
  return most
}

const STRINGS_AND_BRACKETS = /"(?:[^"\\]|\\.)*"|[{}[\],]/g
