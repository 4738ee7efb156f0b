/** Text that may stand inside an element or a quoted attribute. */
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** No value from outside can have it: JSON and forms know no symbols. */
const MARKUP: unique symbol = Symbol('markup')

/** Markup that `html` made, and nothing else can be one. */
export interface Html {
  readonly [MARKUP]: string
}

/** What may stand in a template; null, undefined and false are nothing. */
export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[]

/**
 * A template whose text is markup and whose every `${}` is escaped, unless `html` made it (D38); lists are joined.
 * Right inside elements and inside attributes that stand in double quotes. It does NOT look at what a URL leads to: a href from outside
 * must be checked before (https, or made by us), and nothing from outside belongs into a style or script.
 */
export const html = (text: TemplateStringsArray, ...values: readonly HtmlValue[]): Html => ({
  [MARKUP]: text.map((piece, at) => (at === 0 ? piece : `${markup(values[at - 1])}${piece}`)).join(''),
})

/** The markup as text, for sending. */
export const htmlText = (of: Html): string => of[MARKUP]

function markup(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return MARKUP in value ? value[MARKUP] : value.map(markup).join('')
}
