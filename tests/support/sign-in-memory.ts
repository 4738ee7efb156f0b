import type { OAuthClientProvider } from '@modelcontextprotocol/client'

/** What an MCP client keeps of a sign-in; clients of both eras ask for the same. */
export function signInMemory(redirectUrl: string) {
  const held: { client?: unknown; tokens?: unknown; discovery?: unknown; verifier: string; asked: URL | null } = {
    verifier: '',
    asked: null,
  }
  const provider = {
    redirectUrl,
    clientMetadata: { client_name: 'An MCP client', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
    clientInformation: () => held.client,
    saveClientInformation: (client: unknown) => void (held.client = client),
    tokens: () => held.tokens,
    saveTokens: (tokens: unknown) => void (held.tokens = tokens),
    redirectToAuthorization: (url: URL) => void (held.asked = url),
    saveCodeVerifier: (verifier: string) => void (held.verifier = verifier),
    codeVerifier: () => held.verifier,
    saveDiscoveryState: (state: unknown) => void (held.discovery = state),
    discoveryState: () => held.discovery,
  } as OAuthClientProvider
  return { provider, held }
}
