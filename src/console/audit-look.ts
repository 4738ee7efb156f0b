/** What the audit log adds to the look of the console: a list of lines that open, in columns where there is room, and its filters. */
export const AUDIT_LOOK = `
.log { margin: 0; padding: 0 1.25rem; list-style: none; background: var(--paper); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shade) }
.search > summary { cursor: pointer; font-weight: 600 } .search form { margin-top: 1rem }
.search .pair { grid-template-columns: repeat(auto-fill, minmax(min(11.5rem, 100%), 1fr)); align-items: start } .search .actions { margin-top: .25rem }
.log > li + li { border-top: 1px solid var(--line) } .log details.item { border: 0 }
details.entry > summary { display: grid; grid-template-columns: 10.5rem minmax(7rem, 1fr) minmax(0, 2fr) 5.5rem 1.5rem; font-size: .9375rem }
details.entry > summary > span { min-width: 0 } .entry .when > *, .entry .what > * { display: block } .entry .small { font-size: .8125rem }
details.entry > summary > .chip { justify-self: start } .entry .facts { margin-top: .25rem } .entry .facts dd { margin: 0 }
@media (max-width: 56rem) {
  .log { padding: 0 1rem } details.entry > summary { grid-template-columns: minmax(0, 1fr) auto 1.5rem; gap: .25rem .75rem; padding-block: .8rem }
  .entry .when { grid-area: 3 / 1 } .entry .who { grid-area: 1 / 1; font-weight: 600 } .entry .what { grid-area: 2 / 1 }
  details.entry > summary > .chip { grid-area: 1 / 2 } details.entry > summary::after { grid-area: 1 / 3 }
}
`
