/** What a form sent, as far as it is text; a field that is missing is empty. Nothing here is checked. */
export interface Fields {
  /** The first value, without spaces around it. */
  text(name: string): string
  /** Every value of a field that can be there more than once. */
  all(name: string): readonly string[]
  /** A box that is ticked. */
  has(name: string): boolean
  /** For the address of the page with the same form. */
  readonly entries: readonly (readonly [string, string])[]
}

export function fieldsOf(entries: Iterable<readonly [string, string]>): Fields {
  const list = [...entries]
  const all = (name: string): readonly string[] => list.filter(([key]) => key === name).map(([, value]) => value)
  return {
    text: (name) => (all(name)[0] ?? '').trim(),
    all,
    has: (name) => all(name).some((value) => value !== ''),
    entries: list,
  }
}

/** A form that was not sent. */
export const NO_FIELDS: Fields = fieldsOf([])

/** Of a parsed form body: a name that is there more than once is a list (@fastify/formbody). */
export function fieldsOfBody(body: unknown): Fields {
  if (typeof body !== 'object' || body === null) return fieldsOf([])
  return fieldsOf(
    Object.entries(body).flatMap(([name, value]: [string, unknown]) =>
      (Array.isArray(value) ? value : [value])
        .filter((each): each is string => typeof each === 'string')
        .map((each) => [name, each] as const),
    ),
  )
}
