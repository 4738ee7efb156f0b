import type { Identity } from '#identity/identity.ts'
import { isVerified } from './evidence.ts'
import type { PersonRole } from './roles.ts'

/** A person of the development sign-in and what they are in their company's tenant. */
export interface Seed {
  readonly email: string
  readonly role: PersonRole
}

/** Only ever given to the directory when config.developmentSignIn (D1). */
export const DEVELOPMENT_PEOPLE: readonly Seed[] = [
  { email: 'alice@acme.test', role: 'owner' },
  { email: 'carol@acme.test', role: 'viewer' },
  { email: 'bob@globex.test', role: 'owner' },
]

/** Is it one of the development sign-in's people? No other provider can name one. */
export function seedOf(identity: Identity, seeds: readonly Seed[]): Seed | null {
  if (identity.provider !== 'development' || !isVerified(identity)) return null
  return seeds.find(({ email }) => email === identity.email) ?? null
}
