/**
 * Checks of a token, each with the change of the source that takes it away. The ones first that a bare `jwtVerify` of jose does not make (ACC in the
 * table the attack list was made from), then the others of ours that a token must pass.
 */
export interface Check {
  /** What is no longer checked. */
  readonly check: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Rows of the attack table, of which at least one must turn red. */
  readonly rows: readonly string[]
  /** Does jose by itself accept such a token? */
  readonly jose: 'accepts' | 'refuses'
}

const PARSE = 'src/identity/jwt-parse.ts'
const CLAIMS = 'src/identity/jwt-claims.ts'
const MEMBERS = 'src/identity/unique-members.ts'
const KEYS = 'src/identity/usable-keys.ts'
const JWT = 'src/identity/jwt.ts'

const check =
  (jose: Check['jose'], file: string) =>
  (rows: string, what: string, find: string, replace: string): Check => ({
    check: what,
    file,
    find,
    replace,
    rows: rows.split(' '),
    jose,
  })
const form = check('accepts', PARSE)
const members = check('accepts', MEMBERS)
const keys = check('accepts', KEYS)
const claims = check('accepts', CLAIMS)
const own = (file: string): ReturnType<typeof check> => check('refuses', file)

export const checks: readonly Check[] = [
  form('J6', 'no jku in the header', `'jku', `, ''),
  form('J6', 'no x5u in the header', `'x5u', `, ''),
  form('J6', 'no x5c in the header', `'x5c', `, ''),
  form('J6', 'no jwk in the header', `'jwk', `, ''),
  form('J10', 'no b64 in the header', `, 'b64']`, ']'),
  form('J11', 'no crit in the header, nor b64', `, 'crit', 'b64']`, ']'),
  form('J12', 'no member of the header twice', 'if (!hasUniqueMembers', `if (name !== 'header' && !hasUniqueMembers`),
  members('J12', 'no member twice, once escaped', 'String(JSON.parse(piece))', 'piece'),
  form('J13', 'no claim twice', 'if (!hasUniqueMembers', `if (name !== 'payload' && !hasUniqueMembers`),
  members('J13', 'no member twice inside a claim', 'if (names?.has', 'if (open.length < 2 && names?.has'),
  form('J17', 'each part in its one spelling', `bytes.toString('base64url') === part ? bytes : null`, 'bytes'),
  keys('J20', 'no key for encryption', `if (use !== undefined && use !== 'sig') return null`, ''),
  keys('J20', 'no key without verify in key_ops', `operations.includes('verify')`, 'true'),
  form('J25', 'no byte order mark', 'ignoreBOM: true', 'ignoreBOM: false'),
  claims('C9', 'exp at most 24 hours ahead', 'exp > now + LONGEST_LIFE + skew', 'false'),
  claims('C9 C13', 'dates are finite', ' && Number.isFinite(value)', ''),
  claims('C14', 'iat not in the future', 'iat > now + skew', 'false'),
  claims('C15', 'iat not negative', ' || iat < 0', ''),
  claims('C15', 'iat is a number', '!isDate(iat)', 'false'),
  claims('C15', 'iat not after exp', 'iat > exp', 'false'),
  claims('C16', 'sub is a string', `typeof sub !== 'string' || `, ''),
  claims('C16', 'sub not empty', '{1,255}', '{0,255}'),
  claims('C16', 'sub of at most 255 characters', '{1,255}', '{1,}'),
  claims('C16', 'no control character in sub', String.raw`[^\p{C}\p{Zl}\p{Zp}]`, String.raw`[\s\S]`),

  own(JWT)('J19', 'an algorithm of the issuer', '!algorithms.includes(header.alg)', 'false'),
  own(KEYS)('J22', 'no published private key', 'PRIVATE.some((member) => Object.hasOwn(jwk, member))', 'false'),
  own(PARSE)('J27', 'nesting of at most 64 levels', 'nestingOf(json) > DEEPEST', 'false'),
  own(JWT)('J29', 'a type for signing in', '!allowed.includes(header.typ)', 'false'),
  own('providers/audience.ts')('J29', 'no security event token', `'events' in claims`, 'false'),
  own('providers/audience.ts')('J29', 'at+jwt names our resource', `typ === 'at+jwt' || `, ''),
  own('providers/audience.ts')('C4', 'meant for us', '!named.some((item) => clientIds.includes(item))', 'false'),
  own('providers/audience.ts')('C6', 'obtained by our client', 'assertPresenter(claims, clientIds)', ''),
  own(CLAIMS)('C8', 'exp is a number', '!isDate(exp)', 'false'),
  own(CLAIMS)('C11 C12', 'not expired', 'now >= exp + skew', 'false'),
  own(CLAIMS)('C13', 'nbf is a number', 'nbf !== undefined && !isDate(nbf)', 'false'),
  own(CLAIMS)('C13', 'nbf not in the future', `claims['nbf'] > now + skew`, 'false'),
  own('src/identity/scopes.ts')('C18', 'scopes of the syntax of RFC 6749', ' && SCOPE_TOKEN.test(item)', ''),
  own(CLAIMS)('C22', 'not bound to a key', `claims['cnf'] !== undefined`, 'false'),
]
