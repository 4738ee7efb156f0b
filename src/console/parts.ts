import { html, type Html, type HtmlValue } from '#base/html.ts'
import type { Problem } from './tenant-pages.ts'

/** The heading of a page, what it is for, and its one first thing to do. */
export const head = (title: string, lead: HtmlValue = null, actions: HtmlValue = null): Html =>
  html`<div class="head">
    <div>
      <h1>${title}</h1>
      ${lead !== null && html`<p class="lead">${lead}</p>`}
    </div>
    ${actions !== null && html`<div class="actions">${actions}</div>`}
  </div>`

/** What was just done; `words` says it by the code in the address, and nothing is shown for a code that is not there. */
export function doneNote(words: Readonly<Record<string, string>>, code: string | null): Html | null {
  const told = code === null || !Object.hasOwn(words, code) ? undefined : words[code]
  return told === undefined
    ? null
    : html`<div class="note good" role="status">
        <p><strong>Done.</strong> ${told}</p>
      </div>`
}

/** Why a form was not taken, at the top of it, with a way to the field. */
export const problemNote = (problem: Problem | null): Html | null =>
  problem === null
    ? null
    : html`<div class="note bad" role="alert">
        <p>
          <strong>Not done.</strong>
          ${problem.field === null ? problem.message : html`<a href="#${problem.field}">${problem.message}</a>`}
        </p>
      </div>`

export interface Input {
  /** Name and id of the field. */
  readonly name: string
  readonly label: HtmlValue
  readonly value?: string
  readonly hint?: HtmlValue
  readonly problem?: Problem | null
  readonly type?: 'text' | 'email' | 'number' | 'search' | 'date' | 'datetime-local'
  readonly required?: boolean
  readonly placeholder?: string
  readonly autocomplete?: string
  readonly min?: number
  readonly max?: number
  readonly maxlength?: number
}

/** A labelled field with its hint and, when it is at fault, what is wrong. */
export function input(of: Input): Html {
  const { name, label, value = '', hint = null, problem = null, type = 'text', autocomplete = 'off' } = of
  const { told, wrong } = about(name, hint, problem)
  return html`<div class="field">
    <label for="${name}">${label}</label>
    ${hint !== null && html`<div class="hint" id="${name}-hint">${hint}</div>`}
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      value="${value}"
      autocomplete="${autocomplete}"
      ${of.required === true && html`required`}
      ${of.placeholder !== undefined && html`placeholder="${of.placeholder}"`}
      ${of.min !== undefined && html`min="${of.min}"`}
      ${of.max !== undefined && html`max="${of.max}"`}
      ${of.maxlength !== undefined && html`maxlength="${of.maxlength}"`}
      ${told}
      ${wrong !== null && html`aria-invalid="true" autofocus`}
    />
    ${wrong}
  </div>`
}

export interface Choice {
  readonly name: string
  readonly label: string
  /** Value and what people read. */
  readonly options: readonly (readonly [string, string])[]
  readonly value?: string
  readonly hint?: HtmlValue
  readonly problem?: Problem | null
}

export function select({ name, label, options, value = '', hint = null, problem = null }: Choice): Html {
  const { told, wrong } = about(name, hint, problem)
  return html`<div class="field">
    <label for="${name}">${label}</label>
    ${hint !== null && html`<div class="hint" id="${name}-hint">${hint}</div>`}
    <select id="${name}" name="${name}" ${told} ${wrong !== null && html`aria-invalid="true" autofocus`}>
      ${options.map(([key, text]) => html`<option value="${key}" ${key === value && html`selected`}>${text}</option> `)}
    </select>
    ${wrong}
  </div>`
}

/** What is said of a field, and the attribute by which screen readers find it. */
function about(name: string, hint: HtmlValue, problem: Problem | null) {
  const message = problem?.field === name ? problem.message : null
  const ids = [hint !== null && `${name}-hint`, message !== null && `${name}-wrong`].filter((id) => id !== false)
  return {
    told: ids.length > 0 && html`aria-describedby="${ids.join(' ')}"`,
    wrong: message === null ? null : html`<div class="wrong" id="${name}-wrong">${message}</div>`,
  }
}

export interface Group {
  /** Name of the fields, id of the group. */
  readonly name: string
  readonly label: string
  /** Value, what people read, and what it means. */
  readonly options: readonly (readonly [string, string, HtmlValue?])[]
  readonly chosen: readonly string[]
  readonly hint?: HtmlValue
  readonly problem?: Problem | null
}

/** One of several, each with what it means. */
export const radios = (of: Group): Html => group('radio', of)

/** Any of several. */
export const boxes = (of: Group): Html => group('checkbox', of)

function group(type: 'radio' | 'checkbox', { name, label, options, chosen, hint = null, problem = null }: Group): Html {
  const { told, wrong } = about(name, hint, problem)
  return html`<fieldset id="${name}" tabindex="-1" ${told}>
    <legend>${label}</legend>
    ${hint !== null && html`<div class="hint" id="${name}-hint">${hint}</div>`}
    ${options.map(
      ([value, text, meaning = null]) =>
        html`<label class="check"
          ><input type="${type}" name="${name}" value="${value}" ${chosen.includes(value) && html`checked`} /><span
            >${text}${meaning !== null && html`<span class="hint">${meaning}</span>`}</span
          ></label
        > `,
    )}
    ${wrong}
  </fieldset>`
}

export const checkbox = (name: string, label: HtmlValue, checked: boolean, value = 'on'): Html =>
  html`<label class="check"
    ><input type="checkbox" name="${name}" value="${value}" ${checked && html`checked`} /><span>${label}</span></label
  >`

/** The box without which what cannot be undone is not done; works without a script, which a question in a window does not. */
export const sure = (label: HtmlValue, problem: Problem | null, name = 'sure'): Html => {
  const wrong = problem?.field === name ? problem.message : null
  return html`<div class="field">
    <label class="check"
      ><input
        type="checkbox"
        id="${name}"
        name="${name}"
        value="yes"
        required
        ${wrong !== null && html`aria-invalid="true" aria-describedby="${name}-wrong"`}
      /><span>${label}</span></label
    >
    ${wrong !== null && html`<div class="wrong" id="${name}-wrong">${wrong}</div>`}
  </div>`
}

/** Beside a button that needs a fresh sign-in (D31), as long as there is none: so that nobody is surprised by the login page. */
export const freshHint = ({ fresh }: { readonly fresh: boolean }): Html | null =>
  fresh ? null : html`<p class="hint">You will be asked to sign in once more; what you filled in is kept.</p>`

/** Nothing is there yet: what that means, and the next step. */
export const empty = (title: string, text: HtmlValue, actions: HtmlValue = null): Html =>
  html`<div class="empty">
    <h2>${title}</h2>
    <p>${text}</p>
    ${actions !== null && html`<div class="actions">${actions}</div>`}
  </div>`

/** Copies the text of the element with this id; appears where the script runs. */
export const copyButton = (id: string, what: string): Html =>
  html`<button class="tiny" type="button" data-copy="${id}" hidden aria-label="Copy ${what}">Copy</button>`

/** One line to copy, under its name. */
export const copyLine = (id: string, label: string, text: string): Html =>
  html`<div class="snippet">
    <div class="where"><span>${label}</span>${copyButton(id, label.toLowerCase())}</div>
    <pre id="${id}">${text}</pre>
  </div>`

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
]

/** Milliseconds by which something that is over may seem to come. */
const SKEW = 2000

/** `3 hours ago`, `in 2 days` (rounded where it is to come); the exact time in UTC is the title, and the script adds nothing that is not there. */
export function when(at: string | number | null, now: number): Html {
  if (at === null) return html`<span class="soft">never</span>`
  const time = typeof at === 'number' ? at : Date.parse(at)
  const gap = Math.abs(time - now)
  const [size, unit] = UNITS.find(([size]) => gap >= size) ?? [1, '']
  const count = time > now ? Math.round(gap / size) : Math.floor(gap / size)
  const span = `${count} ${unit}${count === 1 ? '' : 's'}`
  // What a page itself did a moment ago is a little later than the page.
  const ahead = time - now > SKEW
  const text = unit === '' ? (ahead ? 'within a minute' : 'just now') : time > now ? `in ${span}` : `${span} ago`
  return html`<time class="nowrap" datetime="${new Date(time).toISOString()}" title="${utc(time)}">${text}</time>`
}

/** `2026-11-21 13:05 UTC` */
export const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

export type Tone = 'good' | 'warn' | 'bad' | ''

/** A state as a word; the colour says nothing that the word does not. */
export const chip = (tone: Tone, text: string): Html => html`<span class="chip ${tone}">${text}</span>`

/** Older and newer of a list by cursor; null: nothing on that side. `words` for lists that are in another order. */
export const pages = (
  newer: string | null,
  older: string | null,
  words: readonly [string, string] = ['Newest', 'Older'],
): Html | null =>
  newer === null && older === null
    ? null
    : html`<nav class="pages" aria-label="Pages">
        ${newer === null ? html`<span></span>` : html`<a class="button" href="${newer}">${words[0]}</a>`}
        ${older !== null && html`<a class="button" href="${older}" rel="next">${words[1]}</a>`}
      </nav>`
