import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'

/** What world.ts hands to the peers. */
export const port = Number(process.env.PORT)
export const issuer = process.env.ISSUER
export const audience = process.env.AUDIENCE
export const jwksUri = process.env.JWKS_URI

/** The input of bench/tools/describe-order.js. */
export const fields = {
  customer: z.string().min(1).max(200),
  item: z.string().min(1).max(500),
  quantity: z.int().min(1).max(1000),
  unit_price: z.number().min(0),
  express: z.boolean(),
  note: z.string().max(500).optional(),
}
export const about = { title: 'Describe order', description: 'Says in words what is ordered.' }

/** The text of bench/servers/order.ts. */
export const describeOrder = (order) =>
  `${order.customer} order ${order.quantity} x ${order.item.slice(0, 160)} at ${order.unit_price.toFixed(2)} each, ` +
  `${(order.quantity * order.unit_price).toFixed(2)} in all, ${order.express ? 'express' : 'by post'}. ${order.note ?? ''}`

const keys = createRemoteJWKSet(new URL(jwksUri))

/** What `requireBearerAuth` of both SDKs asks for: jose as the SDK's own examples use it; the keys are fetched once. */
export const verifier = {
  async verifyAccessToken(token) {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] })
    return { token, clientId: 'bench', scopes: [], expiresAt: payload.exp }
  },
}
