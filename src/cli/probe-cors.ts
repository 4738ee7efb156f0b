import type { GuardedFetch } from '#base/fetch.ts'
import { ok, warning, type Finding } from './finding.ts'
import { noAnswer, PROBE, question } from './probe-request.ts'

/** Where the MCP Inspector runs: a client in a browser that people try first. */
const ORIGIN = 'http://localhost:6274'
const WANTED = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']
const READ = ['www-authenticate', 'mcp-protocol-version']

/** May a client that is a web page ask, and read the challenge? Only such clients need it, so that nothing here fails. */
export async function probeCors(url: string, fetch: GuardedFetch): Promise<readonly Finding[]> {
  let preflight: Response
  let refused: Response
  try {
    preflight = await fetch.raw(url, {
      method: 'OPTIONS',
      headers: {
        ...PROBE,
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': WANTED.join(', '),
      },
    })
    refused = await fetch.raw(url, question({ origin: ORIGIN }))
  } catch (error) {
    return [noAnswer('cors', error)]
  }
  const problems = [
    ...(preflight.ok ? [] : [`the preflight is answered ${preflight.status}`]),
    ...([preflight, refused].every(allowsOrigin) ? [] : ['its origin is not allowed']),
    ...missing(preflight, 'access-control-allow-methods', ['post']),
    ...missing(preflight, 'access-control-allow-headers', WANTED),
    ...missing(refused, 'access-control-expose-headers', READ),
    ...(refused.headers.get('access-control-allow-credentials') === 'true'
      ? ['credentials are allowed, which nothing here needs']
      : []),
  ]
  return [
    problems.length === 0
      ? ok('cors', 'clients that are web pages may ask, and read the challenge')
      : warning('cors', `a client that is a web page (here ${ORIGIN}) cannot connect: ${problems.join('; ')}`),
  ]
}

const allowsOrigin = ({ headers }: Response): boolean =>
  ['*', ORIGIN].includes(headers.get('access-control-allow-origin') ?? '')

/** `*` stands for every header but Authorization (Fetch standard, CORS protocol). */
function missing({ headers }: Response, name: string, wanted: readonly string[]): readonly string[] {
  const listed = (headers.get(name) ?? '')
    .toLowerCase()
    .split(',')
    .map((item) => item.trim())
  const absent = wanted.filter((item) => !listed.includes(item) && !(listed.includes('*') && item !== 'authorization'))
  return absent.length === 0 ? [] : [`${name} lacks ${absent.join(', ')}`]
}
