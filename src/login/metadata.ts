import { ASSERTION_ALGORITHMS } from './client-assertion.ts'

export interface ServerMetadataOptions {
  /** The issuer. */
  readonly publicUrl: string
  readonly grantTypes: readonly string[]
  /** Scopes of this server's tools. */
  readonly scopes: readonly string[]
}

/**
 * Authorization server metadata (RFC 8414 section 2), from PUBLIC_URL alone. `none` and client_id_metadata_document_supported are what
 * Claude looks for before it uses its own document; a secret is for service accounts only, whose grant is client_credentials. No ID
 * tokens of ours, so this is no OpenID provider and says nothing of the kind. offline_access is not listed: whoever signs in gets a
 * refresh token whenever the provider gives one.
 */
export const serverMetadata = ({ publicUrl, grantTypes, scopes }: ServerMetadataOptions): object => ({
  issuer: publicUrl,
  authorization_endpoint: `${publicUrl}/oauth/authorize`,
  token_endpoint: `${publicUrl}/oauth/token`,
  registration_endpoint: `${publicUrl}/oauth/register`,
  revocation_endpoint: `${publicUrl}/oauth/revoke`,
  jwks_uri: `${publicUrl}/oauth/jwks.json`,
  ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: grantTypes,
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt', 'client_secret_basic', 'client_secret_post'],
  token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  revocation_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: true,
  // For people who look what this is.
  service_documentation: `${publicUrl}/`,
})
