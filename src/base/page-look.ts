/**
 * The look of every page: calm, light or dark as the system says, readable on a phone, no fonts or pictures from elsewhere.
 * Colours keep WCAG 2.2 AA: text 4.5 to 1 on its ground, the edges of controls and the focus ring 3 to 1.
 *
 * What a page may use: `main` holds a card (`narrow` for one question, `wide` for reading); `.lead` under the heading; `.choice` buttons
 * (one per line, `strong` and `span` inside), `.primary`, `.quiet`, `.danger`; `.note`, `.note.warn`, `.note.bad` with a word as first
 * `strong`, so that colour is never alone; `.chips`; `details.item` lists; `.snippet` around a `pre`, `.address` around one line; `.facts` for a `dl`; tables and
 * labelled inputs as they come; `.unseen` for screen readers only.
 */
export const PAGE_LOOK = `
:root { color-scheme: light dark; --ink: #1a2030; --soft: #566076; --line: #dce0ea; --edge: #8089a0; --paper: #ffffff; --ground: #f4f6fa;
  --sunk: #f0f3f9; --mark: #2a55d9; --mark-ink: #ffffff; --mark-soft: #e9eefc; --warn: #7a4b00; --warn-soft: #fdf3dc; --bad: #b1192c;
  --bad-soft: #fdecee; --good: #176637; --good-soft: #e6f5ec; --shade: 0 1px 2px rgb(20 30 60 / .05), 0 8px 28px rgb(20 30 60 / .06) }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf3; --soft: #a3adc2; --line: #2e3648; --edge: #76819a; --paper: #1a2030;
  --ground: #11151e; --sunk: #131926; --mark: #93adff; --mark-ink: #10182d; --mark-soft: #243052; --warn: #f0c675; --warn-soft: #33290f;
  --bad: #ff9da7; --bad-soft: #3b1a20; --good: #86d7a3; --good-soft: #153322; --shade: none } }
* { box-sizing: border-box }
[hidden] { display: none !important }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; align-items: center; padding: 2rem 1rem;
  background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
  overflow-wrap: anywhere }
main { width: 100%; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shade) }
main.narrow { max-width: 27rem; margin-block: auto }
main.wide { max-width: 46rem }
.brand { display: flex; align-items: center; gap: .5rem; margin: 0 0 1.25rem; color: var(--soft); font-size: .875rem; font-weight: 600 }
.brand svg { flex: none; color: var(--mark) }
h1 { margin: 0; font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; line-height: 1.3 }
h3 { margin: 1.25rem 0 .5rem; font-size: 1rem }
p { margin: .75rem 0 }
.lead { margin: .5rem 0 1.5rem; color: var(--soft) }
.lead strong { color: var(--ink) }
.small, footer { color: var(--soft); font-size: .875rem }
footer { margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--line) }
main > :last-child, section > :last-child, .note > :last-child { margin-bottom: 0 }
.note > :first-child { margin-top: 0 }
a { color: var(--mark); text-underline-offset: .15em }
a:hover { text-decoration-thickness: 2px }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 6px }
code, pre { font-family: ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; font-size: .875em }
code { color: var(--ink) }
form { display: grid; gap: .6rem; margin: 1.25rem 0 0 }
button, .button { display: inline-block; min-height: 2.75rem; padding: .6rem 1.1rem; font: inherit; font-weight: 600; line-height: 1.35;
  text-align: center; text-decoration: none; color: var(--ink); background: var(--paper); border: 1px solid var(--edge); border-radius: 10px;
  cursor: pointer; transition: border-color .12s, background-color .12s }
button:hover, .button:hover { border-color: var(--mark); background: var(--mark-soft) }
button.primary, .button.primary { color: var(--mark-ink); background: var(--mark); border-color: var(--mark) }
button.primary:hover, .button.primary:hover { filter: brightness(1.08) }
button.quiet { color: var(--soft); border-color: transparent; background: none }
button.quiet:hover { color: var(--ink); background: var(--sunk) }
button.danger { color: var(--bad); border-color: var(--bad) }
button.danger:hover { background: var(--bad-soft) }
button.choice { display: grid; gap: .1rem; width: 100%; padding: .8rem 1rem; text-align: left; font-weight: 400 }
button.choice strong { font-weight: 600 }
button.choice span { color: var(--soft); font-size: .9rem }
button.tiny { min-height: 2rem; padding: .2rem .7rem; font-size: .8125rem; border-radius: 8px }
label { display: grid; gap: .3rem; font-weight: 600 }
label .small { font-weight: 400 }
input:not([type=checkbox], [type=radio]), select, textarea { width: 100%; min-height: 2.75rem; padding: .55rem .75rem; font: inherit;
  color: inherit; background: var(--paper); border: 1px solid var(--edge); border-radius: 10px }
input:is([type=checkbox], [type=radio]) { width: 1.25rem; height: 1.25rem; accent-color: var(--mark) }
.note { margin: 1.25rem 0; padding: .8rem 1rem; border-radius: 10px; border-left: 4px solid var(--mark); background: var(--mark-soft) }
.note.warn { border-color: var(--warn); background: var(--warn-soft) } .note.warn > strong:first-child, .note.warn p > strong:first-child { color: var(--warn) }
.note.bad { border-color: var(--bad); background: var(--bad-soft) } .note.bad > strong:first-child, .note.bad p > strong:first-child { color: var(--bad) }
.chips { display: flex; flex-wrap: wrap; gap: .4rem; margin: .75rem 0; padding: 0; list-style: none }
.chips > li, .chip { padding: .1rem .65rem; font-size: .875rem; border: 1px solid var(--line); border-radius: 99px; background: var(--sunk);
  overflow-wrap: break-word }
.chip.good { color: var(--good); background: var(--good-soft); border-color: transparent }
.chip.warn { color: var(--warn); background: var(--warn-soft); border-color: transparent }
.chip.bad { color: var(--bad); background: var(--bad-soft); border-color: transparent }
.snippet { position: relative; margin: .6rem 0 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--sunk) }
.snippet .where { display: flex; align-items: center; justify-content: space-between; gap: .75rem; min-height: 2.75rem; padding: .35rem .4rem .35rem .85rem;
  color: var(--soft); font-size: .8125rem; border-bottom: 1px solid var(--line) }
.snippet .where button { flex: none }
.address { display: flex; align-items: center; justify-content: space-between; gap: .75rem; margin: 1.25rem 0; padding: .5rem .5rem .5rem 1rem;
  border: 1px solid var(--line); border-radius: 12px; background: var(--sunk) }
.address code { font-size: 1.05rem }
.address button { flex: none }
pre { margin: 0; padding: .8rem .85rem; line-height: 1.5; tab-size: 2; white-space: pre-wrap }
details.item { border-top: 1px solid var(--line) }
form + details.item { margin-top: 1.5rem }
details.item:last-of-type { border-bottom: 1px solid var(--line) }
details.item > summary { display: flex; align-items: center; gap: .75rem; min-height: 3.25rem; padding: .6rem .25rem; cursor: pointer; list-style: none }
details.item > summary::-webkit-details-marker { display: none }
details.item > summary::after { content: ''; flex: none; width: .5rem; height: .5rem; margin: 0 .4rem 0 auto; border: solid var(--soft);
  border-width: 0 2px 2px 0; rotate: 45deg; translate: 0 -2px; transition: rotate .15s }
details.item[open] > summary::after { rotate: 225deg; translate: 0 2px }
details.item > summary:hover { color: var(--mark) }
details.item > summary strong { font-weight: 600 }
details.item > section { padding: .1rem .25rem 1.4rem }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 1rem 0 }
.facts dt { color: var(--soft) }
.facts dd { margin: 0 }
details.item ~ footer { margin-top: .75rem; border: 0 }
.scroll { overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: .9375rem }
th, td { padding: .55rem .75rem .55rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media (max-width: 34rem) { body { padding: .75rem } main { padding: 1.25rem } .address code { font-size: .95rem } .facts { grid-template-columns: 1fr; gap: .1rem } .facts dd { margin-bottom: .6rem } }
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { transition: none !important } }
@media (forced-colors: active) { .note { border: 1px solid } }
`
