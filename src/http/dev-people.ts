/** Who can sign in at the development issuer. The subject shows in `user_id` (`development:alice`). */
export interface Person {
  readonly sub: string
  readonly email: string
  readonly name: string
  /** One line for the account page. */
  readonly note: string
}

/** Two companies, so that the wall between tenants can be seen; by subject. */
export const people: ReadonlyMap<string, Person> = new Map(
  [
    { sub: 'alice', email: 'alice@acme.test', name: 'Alice Archer', note: 'Acme, owner' },
    { sub: 'carol', email: 'carol@acme.test', name: 'Carol Castle', note: 'Acme, viewer' },
    { sub: 'bob', email: 'bob@globex.test', name: 'Bob Bridge', note: 'Globex, owner' },
  ].map((person) => [person.sub, person]),
)

/** What tokens say of a person (OIDC Core section 5.1). */
export const personClaims = ({ email, name }: Person): { email: string; email_verified: true; name: string } => ({
  email,
  email_verified: true,
  name,
})
