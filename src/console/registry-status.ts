import type { RegistryError, RegistryErrorCode } from '#tenancy/registry-error.ts'

const STATUS: Readonly<Record<RegistryErrorCode, number>> = {
  unknown: 404,
  exists: 409,
  invalid: 422,
  forbidden: 403,
  last_owner: 409,
  conflict: 409,
  stale: 412,
  limited: 429,
}

/** How HTTP says it (RFC 9110 section 15.5). */
export const statusOf = ({ code }: RegistryError): number => STATUS[code]
