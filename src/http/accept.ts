/**
 * Does this Accept header (RFC 9110 section 12.5.1) ask for HTML rather than JSON? Only when HTML is named and weighs more: a browser
 * says so, while curl, `fetch` and MCP clients, which take anything, get JSON.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const weights = new Map<string, number>()
  for (const part of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    const [, q = '1'] = /^q=(.*)$/.exec(parameters.find((parameter) => parameter.startsWith('q=')) ?? '') ?? []
    const weight = Number(q)
    if (type !== '' && weight >= 0 && weight <= 1) weights.set(type, weight)
  }
  const html = weights.get('text/html') ?? 0
  const json = weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0
  return html > json
}
