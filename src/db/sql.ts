/**
 * The only way to say something to a tenant's database (D15): a tagged template whose text is constant and whose
 * `${}` are bound values. A plain string does not type-check and is refused at run time.
 */
declare const brand: unique symbol
export interface Sql {
  readonly [brand]: true
  readonly text: string
  readonly values: readonly unknown[]
}

const made = new WeakSet<object>()
/** Text is built once per template: the same call site gives the same strings object. */
const texts = new WeakMap<TemplateStringsArray, string>()

export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  let text = texts.get(strings)
  if (text === undefined) {
    text = strings.reduce((all, part, index) => (index === 0 ? part : `${all}$${index}${part}`), '')
    texts.set(strings, text)
  }
  // Frozen: what was checked is what is sent.
  const statement = Object.freeze({ text, values })
  made.add(statement)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists in types only; `made` is its run-time half
  return statement as unknown as Sql
}

/** Was it made by the template above? */
export const isSql = (value: unknown): value is Sql => typeof value === 'object' && value !== null && made.has(value)
