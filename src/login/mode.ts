import type { LoginConfig } from '#base/config-login.ts'

/** Id of the development sign-in, which alone makes no broker of us: applications go to it directly. */
const DEVELOPMENT = 'development'

/**
 * Do applications sign people in here, rather than at the issuers themselves (LOGIN)? Decided by the configuration alone, so that every
 * replica, and doctor, decide alike whatever the network does.
 * @param signingIn ids of the providers that have what signing in takes: `login` of a Provider is not null.
 */
export const isBrokered = (mode: LoginConfig['mode'], signingIn: readonly string[]): boolean =>
  mode === 'broker' || (mode === 'auto' && signingIn.some((id) => id !== DEVELOPMENT))
