import type { FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError } from '#tenancy/registry-error.ts'
import { PROBLEM_TYPE, PROBLEMS, ApiError, ofRegistry, problem, type Problem, type ProblemCode } from './api-problem.ts'
import { createFailureHandler, type FailureOptions } from './failure.ts'

export interface ApiFailureOptions extends FailureOptions {
  readonly publicUrl: string
}

/**
 * Answers what was thrown under /api/v1 as problem details (RFC 9457). Status and headers of a Refusal are the challenge's, as
 * everywhere; a RegistryError is told in its own words, for they are meant for admins.
 */
export function createApiFailureHandler({ publicUrl, ...options }: ApiFailureOptions) {
  const of = (code: ProblemCode, detail: string, request: FastifyRequest): Problem =>
    problem(publicUrl, code, detail, request.id)
  const refused = createFailureHandler({
    ...options,
    shape: (body, status, request) => ({
      type: PROBLEM_TYPE,
      body: of(codeOf(body.error, status), body.error_description, request),
    }),
  })

  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const error = apiErrorOf(thrown, request.method)
    if (error === null) return await refused(thrown, request, reply)
    const { code, message, errors, retryAfter } = error
    if (retryAfter !== null) reply.header('retry-after', String(retryAfter))
    return await reply
      .code(PROBLEMS[code].status)
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(problem(publicUrl, code, message, request.id, errors)))
  }
}

function apiErrorOf(thrown: unknown, method: string): ApiError | null {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof RegistryError) return ofRegistry(thrown, method === 'GET' || method === 'DELETE')
  // Fastify's word for a content type that nobody here parses.
  if (thrown instanceof Error && 'statusCode' in thrown && thrown.statusCode === 415)
    return new ApiError('unsupported_media_type', 'Send the body as application/json.')
  return null
}

/** The code of what the challenge answered: its `error`, and where that says little the status. */
function codeOf(error: string, status: number): ProblemCode {
  if (status === 405) return 'method_not_allowed'
  if (status === 413) return 'body_too_large'
  return isCode(error) ? error : 'invalid_request'
}

const isCode = (error: string): error is ProblemCode => Object.hasOwn(PROBLEMS, error)
