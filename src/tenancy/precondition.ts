import { RegistryError } from './registry-error.ts'

/**
 * What must be so for a change to be made: called with the thing as it is, locked, just before it is changed; throws RegistryError `stale`
 * when it is not. Two who change the same thing at once cannot both hold an old picture of it.
 */
export type Precondition<Present> = (present: Present) => void

/** For a Precondition to throw. */
export const stale = (): RegistryError =>
  new RegistryError('stale', 'it was changed meanwhile: read it again, and decide again')
