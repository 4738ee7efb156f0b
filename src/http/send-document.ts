import type { FastifyReply } from 'fastify'
import type { Document } from '#base/page.ts'

/** Sends it. The status is 200 unless `reply.code` said otherwise before. */
export const sendDocument = async (reply: FastifyReply, { headers, text }: Document): Promise<FastifyReply> =>
  await reply.headers(headers).send(text)
