import { createHash } from 'node:crypto'

/** How a blocked person is known: hex SHA-256 of iss, NUL, sub. */
export const personDigest = (iss: string, sub: string): string =>
  createHash('sha256').update(`${iss}\0${sub}`).digest('hex')
