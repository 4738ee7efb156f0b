/** Who asks for tokens: an MCP client, known by what it registered or by the document its client_id names. */
export interface Client {
  readonly client_id: string
  /** As claimed, cleaned: at most 80 characters, no control or bidi characters; null when it gave none. */
  readonly name: string | null
  readonly redirect_uris: readonly string[]
  /** `registered`: the client_id is the sealed registration (RFC 7591, nothing stored). `document`: it is a URL (client ID metadata document). */
  readonly kind: 'registered' | 'document'
  readonly token_endpoint_auth_method: 'none' | 'private_key_jwt'
  /** Of a document that states private_key_jwt: its keys, to check the assertion with. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null
}

/** @throws Refusal `client_invalid` (unknown, not ours any more, blocked), `provider_unavailable` when its document cannot be fetched now. */
export type Clients = (client_id: string, from: { readonly ip: string | null }) => Promise<Client>
