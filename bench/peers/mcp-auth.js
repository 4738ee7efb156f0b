/** mcp-auth in front of SDK v1 on Express. */
import express from 'express'
import { MCPAuth } from 'mcp-auth'
import { audience, issuer, jwksUri, port } from './order.js'
import { answerV1 } from './v1.js'

const auth = new MCPAuth({
  protectedResources: [
    {
      metadata: {
        resource: audience,
        authorizationServers: [
          {
            type: 'oidc',
            metadata: {
              issuer,
              jwksUri,
              authorizationEndpoint: `${issuer}/authorize`,
              tokenEndpoint: `${issuer}/token`,
              responseTypesSupported: ['code'],
              grantTypesSupported: ['authorization_code'],
              codeChallengeMethodsSupported: ['S256'],
            },
          },
        ],
      },
    },
  ],
})
const app = express()
app.use(express.json())
app.post('/mcp', auth.bearerAuth('jwt', { resource: audience, audience }), answerV1)
app.listen(port, '127.0.0.1')
