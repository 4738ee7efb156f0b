import { createHash } from 'node:crypto'

/** Hex SHA-256 of a token: how a token is named where it must not be kept (caches, D22). Tokens hold enough randomness or a signature, so it needs no salt. */
export const tokenDigest = (token: string): string => createHash('sha256').update(token).digest('hex')
