import type { ProviderFacts } from './deps.ts'

const NAMES: Readonly<Record<string, string>> = {
  google: 'Google',
  github: 'GitHub',
  auth0: 'Auth0',
  development: 'Development sign-in',
}

/** What people call a provider: its name when we know it, else the host of its issuer, which they see when they sign in. */
export const providerName = ({
  id,
  authorization_server,
}: Pick<ProviderFacts, 'id' | 'authorization_server'>): string =>
  NAMES[id] ?? (authorization_server === null ? id : new URL(authorization_server).host)
