/** Who can sign in at the development issuer: two companies, so that the wall between tenants can be seen. */
export const PEOPLE = [
  { email: 'alice@acme.test', name: 'Alice Archer', note: 'owner of Acme' },
  { email: 'carol@acme.test', name: 'Carol Castle', note: 'viewer at Acme' },
  { email: 'bob@globex.test', name: 'Bob Bridge', note: 'owner of Globex' },
] as const

export interface Person {
  readonly sub: string
  readonly email: string
  readonly name: string
  readonly note: string
}

/** The subject is the local part: stable, and readable in `user_id` (`development:alice`). */
export const people: ReadonlyMap<string, Person> = new Map(
  PEOPLE.map((person) => {
    const sub = person.email.slice(0, person.email.indexOf('@'))
    return [sub, { sub, ...person }]
  }),
)

/** null when nobody here has that address. */
export const personOf = (email: string): Person | null => [...people.values()].find((person) => person.email === email) ?? null
