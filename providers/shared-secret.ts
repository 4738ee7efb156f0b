import { ConfigError, type SharedSecretConfig } from '#base/config.ts'
import type { Provider } from '#identity/provider.ts'
import { createJwtVerifier } from '#identity/jwt.ts'
import { audienceRule } from './audience.ts'
import { commonClaims, emailEvidence, holdsDomain, identityOf, text, type ProviderParts } from './claims.ts'

/**
 * JWTs that a system of the operator's own signs with a secret both know (HS256).
 *
 * How do we know this token was meant for us? Its `aud` holds JWT_AUDIENCE, by default this server's MCP URL; and `iss` is the
 * one system that has the secret.
 *
 * Tenant evidence: a verified email in JWT_DOMAINS (D6); the claim `tenant` when JWT_TRUST_TENANT_CLAIM says that system may
 * name it.
 */
export function createSharedSecret(config: SharedSecretConfig, { clock }: Pick<ProviderParts, 'clock'>): Provider {
  if (config.audience.length === 0) throw new ConfigError(['JWT_AUDIENCE: an audience is needed'])

  const jwts = createJwtVerifier({
    issuer: config.issuer,
    keys: { secrets: config.secrets },
    algorithms: ['HS256'],
    audience: audienceRule({ audience: config.audience, clientIds: [] }),
    subjectClaim: config.subjectClaim,
    clock,
  })
  return {
    id: 'shared-secret',
    tokens: [{ iss: [config.issuer] }],
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: config.carriesScopes,
    async verify(token, { trace }) {
      const claims = await jwts.verify(token, trace)
      return identityOf({
        provider: 'shared-secret',
        iss: claims.iss,
        sub: claims.sub,
        ...commonClaims(claims, config.carriesScopes),
        ...emailEvidence(claims['email'], claims['email_verified'], (domain) =>
          holdsDomain(config.domains, domain) ? 'live' : 'none',
        ),
        tenant: config.trustTenantClaim ? text(claims['tenant']) : null,
      })
    },
  }
}
