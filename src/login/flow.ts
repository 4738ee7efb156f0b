import { z } from 'zod'

/**
 * What an MCP client asked for, after every check of it: it is sealed from here on, and no step believes it from the request again.
 */
export const AuthorizationRequest = z.strictObject({
  client_id: z.string().max(2048),
  redirect_uri: z.string().max(2048),
  /** `${PUBLIC_URL}/mcp` or `/t/{slug}/mcp`, as we write it (D26). */
  resource: z.string().max(2048),
  /** S256 only (RFC 7636 section 4.2). */
  code_challenge: z.string().length(43),
  /** The client's own, given back as it came; '' when it sent none. At most 1 KiB. */
  state: z.string().max(1024),
  scope: z.string().max(1024),
})
export type AuthorizationRequest = z.infer<typeof AuthorizationRequest>

/** The step at the provider, sealed in this browser's cookie from the approved consent to the callback (D24). 10 minutes. */
export const Flow = z.strictObject({
  request: AuthorizationRequest,
  provider: z.string().max(64),
  /** Ours towards the provider. */
  state: z.string(),
  nonce: z.string(),
  code_verifier: z.string(),
})
export type Flow = z.infer<typeof Flow>

/** Our authorization code: the provider redeems its own code once only, so ours is single-use without any state. 60 seconds. */
export const Code = z.strictObject({
  request: AuthorizationRequest.omit({ state: true }),
  provider: z.string().max(64),
  nonce: z.string(),
  code_verifier: z.string(),
  /** The provider's own code. */
  code: z.string().max(4096),
})
export type Code = z.infer<typeof Code>

/** Our refresh token (D28). 30 days from the sign-in, however often it is renewed. */
export const Refresh = z.strictObject({
  family: z.uuid(),
  generation: z.number().int().nonnegative(),
  client_id: z.string().max(2048),
  resource: z.string().max(2048),
  provider: z.string().max(64),
  iss: z.string(),
  sub: z.string(),
  /** Seconds since the epoch. */
  signed_in: z.number().int(),
  /** The provider's own. */
  refresh_token: z.string().max(4096),
})
export type Refresh = z.infer<typeof Refresh>
