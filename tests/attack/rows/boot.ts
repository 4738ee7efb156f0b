/** A configuration that must stop the start (BOOT in security.md). */
export interface Boot {
  readonly id: string
  readonly what: string
  readonly env: Readonly<Record<string, string>>
  /** In what the operator is told. */
  readonly names: RegExp
}

const OIDC = {
  OIDC_ISSUER: 'https://idp.example',
  OIDC_AUDIENCE: 'https://gatehouse.test/mcp',
  OIDC_DOMAINS: 'acme.test',
}
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://mcp.acme.test',
  SESSION_SECRET: 'x'.repeat(32),
  DATABASE_URL: 'postgres://localhost/gatehouse',
}
const SHARED = { JWT_ISSUER: 'https://portal.acme.test', JWT_SECRET_KEY: 's'.repeat(32), JWT_DOMAINS: 'acme.test' }

export const boots: readonly Boot[] = [
  {
    id: 'J4',
    what: 'HS256 for an issuer of public keys',
    env: { ...OIDC, OIDC_ALGORITHMS: 'RS256,HS256' },
    names: /OIDC_ALGORITHMS/,
  },
  {
    id: 'J4',
    what: 'none for an issuer of public keys',
    env: { ...OIDC, OIDC_ALGORITHMS: 'none' },
    names: /OIDC_ALGORITHMS/,
  },
  {
    id: 'J4',
    what: 'a shared secret of 31 bytes',
    env: { ...SHARED, JWT_SECRET_KEY: 's'.repeat(31) },
    names: /JWT_SECRET_KEY/,
  },
  {
    id: 'C4',
    what: 'an issuer without an audience',
    env: { OIDC_ISSUER: 'https://idp.example' },
    names: /OIDC_AUDIENCE/,
  },
  {
    id: 'N8',
    what: 'a http issuer in production',
    env: { ...PRODUCTION, ...OIDC, OIDC_ISSUER: 'http://idp.example' },
    names: /OIDC_ISSUER/,
  },
  { id: 'N8', what: 'a file issuer', env: { ...OIDC, OIDC_ISSUER: 'file:///etc/passwd' }, names: /OIDC_ISSUER/ },
  {
    id: 'C1',
    what: 'one issuer twice',
    env: { ...OIDC, OIDC_B_ISSUER: OIDC.OIDC_ISSUER, OIDC_B_AUDIENCE: 'b', OIDC_B_DOMAINS: 'b.test' },
    names: /configured twice/,
  },
  {
    id: 'E9',
    what: 'two issuers that do not say whom they speak for',
    env: {
      OIDC_ISSUER: 'https://a.example',
      OIDC_AUDIENCE: 'a',
      OIDC_B_ISSUER: 'https://b.example',
      OIDC_B_AUDIENCE: 'b',
    },
    names: /OIDC_B_DOMAINS/,
  },
  {
    id: 'E9',
    what: 'an issuer that calls itself google',
    env: { OIDC_GOOGLE_ISSUER: 'https://a.example', OIDC_GOOGLE_AUDIENCE: 'a', OIDC_GOOGLE_DOMAINS: 'a.test' },
    names: /another provider/,
  },
  {
    id: 'E12',
    what: 'a public mailbox as the domain of an issuer',
    env: { ...OIDC, OIDC_DOMAINS: 'gmail.com' },
    names: /gmail\.com/,
  },
  {
    id: 'E12',
    what: 'a public mailbox as the domain of shared-secret tokens',
    env: { ...SHARED, JWT_DOMAINS: 'acme.test,outlook.com' },
    names: /outlook\.com/,
  },
  {
    id: 'E6',
    what: 'a domain that is not ASCII',
    env: { ...OIDC, OIDC_DOMAINS: 'acm\u0435.test' },
    names: /OIDC_DOMAINS/,
  },
  {
    id: 'K7',
    what: 'a short static key in production',
    env: { ...PRODUCTION, API_KEY: 'k'.repeat(31), API_KEY_TENANT: 'acme' },
    names: /API_KEY/,
  },
  {
    id: 'K7',
    what: 'a static key that looks like a token of GitHub',
    env: { API_KEY: `gho_${'k'.repeat(36)}`, API_KEY_TENANT: 'acme' },
    names: /API_KEY/,
  },
  {
    id: 'B9',
    what: 'production without a public https URL',
    env: { ...PRODUCTION, ...OIDC, PUBLIC_URL: 'http://mcp.acme.test' },
    names: /PUBLIC_URL/,
  },
  {
    id: 'E13',
    what: 'a client address from a header without trusted proxies',
    env: { ...OIDC, CLIENT_IP_HEADER: 'x-real-ip' },
    names: /TRUST_PROXY/,
  },
  {
    id: 'C17',
    what: 'a claim called __proto__ as the organisation',
    env: { ...OIDC, OIDC_ORGANIZATION_CLAIM: '__proto__' },
    names: /OIDC_ORGANIZATION_CLAIM/,
  },
]
