/** The official stack before: Express, SDK v1 without sessions, JSON answers, jose. It speaks the 2025 revisions only. */
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import express from 'express'
import { port, verifier } from './order.js'
import { answerV1 } from './v1.js'

const app = express()
app.use(express.json())
app.post('/mcp', requireBearerAuth({ verifier }), answerV1)
app.listen(port, '127.0.0.1')
