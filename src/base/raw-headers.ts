/**
 * Every value of one header, in the order they came: node:http joins or drops the second of some names, and only here it still shows.
 * @param rawHeaders as node:http gives them: name, value, name, value...
 * @param name in lower case.
 */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? ''
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '')
  }
  return values
}
