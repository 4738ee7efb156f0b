import { PAGE_LOOK } from '#base/page-look.ts'
import { AUDIT_LOOK } from './audit-look.ts'

/**
 * The look of the console: what every page has (base/page-look.ts), and a frame around it: a bar on top, the ways to the pages beside
 * (above on a phone), and the page itself.
 *
 * What a page may use beside the common parts: `.head` (heading with its `.actions`), `.cards` of `.card` or `section.card`, `.stat` for a number with
 * its word, `.empty` where there is nothing yet, `.filters` for a row of fields, `.danger` around what cannot be undone, `.pair` for two
 * columns of fields, `.check` for a box with its label, `.note.good`, `.note.bad`, `.row` for things side by side, `.pages` for older and newer,
 * `.tabs` with `.count`, `.rows` for a card that is a table or `ul.list` (what it is, its `.state`, its `.row.end` of buttons), `.roomy` for a cell that a phone does without, `.mono`, `.right`, `.soft`, `.nowrap`; `table.full` in `.scroll`; `.chart` around an SVG.
 */
export const CONSOLE_LOOK = `${PAGE_LOOK}${AUDIT_LOOK}
body.console { display: block; min-height: 100vh; min-height: 100dvh; padding: 0 }
.console .top { display: flex; align-items: center; gap: 1rem; min-height: 3.75rem; padding: .4rem max(1.25rem, calc((100vw - 78rem) / 2 + 1.25rem));
  background: var(--paper); border-bottom: 1px solid var(--line) }
.console .brand { margin: 0; font-size: .9375rem }
.console .brand a { display: flex; align-items: center; gap: .5rem; min-height: 2.5rem; color: var(--ink); text-decoration: none }
.skip { position: absolute; left: 1rem; top: -4rem; z-index: 3; padding: .6rem 1rem; background: var(--paper); border: 1px solid var(--edge); border-radius: 10px }
.skip:focus { top: .5rem }
.menu { position: relative }
.menu > summary { display: flex; align-items: center; gap: .5rem; min-height: 2.5rem; padding: .25rem .7rem; border-radius: 10px; cursor: pointer;
  list-style: none; font-weight: 600; font-size: .9375rem }
.menu > summary::-webkit-details-marker { display: none }
.menu > summary::after { content: ''; flex: none; width: .4rem; height: .4rem; margin-left: .15rem; border: solid var(--soft); border-width: 0 2px 2px 0;
  rotate: 45deg; translate: 0 -2px }
.menu > summary:hover, .menu[open] > summary { background: var(--sunk) }
.menu > div { position: absolute; z-index: 2; top: calc(100% + .35rem); left: 0; min-width: 16rem; max-width: calc(100vw - 2rem); padding: .5rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 12px; box-shadow: 0 12px 40px rgb(20 30 60 / .16) }
.menu.account { margin-left: auto }
.menu.account > div { left: auto; right: 0 }
.menu p { margin: .35rem .75rem }
.menu a, .menu button { display: block; width: 100%; min-height: 2.5rem; padding: .5rem .75rem; text-align: left; font-weight: 500; color: var(--ink);
  text-decoration: none; border: 0; border-radius: 8px; background: none }
.menu a:hover, .menu button:hover { background: var(--sunk) }
.menu a[aria-current] { font-weight: 650; color: var(--mark) }
.menu form { margin: 0 }
.console .shell { display: grid; grid-template-columns: 13.5rem minmax(0, 1fr); gap: 2.25rem; max-width: 78rem; margin: 0 auto; padding: 1.75rem 1.25rem 4rem }
.console .shell.alone { grid-template-columns: minmax(0, 1fr); max-width: 56rem }
.side { display: grid; align-content: start; gap: .15rem; position: sticky; top: 1.25rem; align-self: start }
.side a { display: flex; align-items: center; gap: .65rem; min-height: 2.5rem; padding: .4rem .75rem; border-radius: 10px; color: var(--soft);
  text-decoration: none; font-weight: 550; font-size: .9375rem }
.side a:hover { color: var(--ink); background: var(--sunk) }
.side a[aria-current] { color: var(--mark); background: var(--mark-soft) }
.side svg { flex: none }
.side h2 { margin: 1rem .75rem .25rem; font-size: .75rem; color: var(--soft); text-transform: uppercase; letter-spacing: .06em }
.console main { padding: 0; background: none; border: 0; box-shadow: none; border-radius: 0 }
.console main.narrow { max-width: 40rem; margin-block: 0 }
.head { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: .75rem 1.5rem; margin-bottom: 1.5rem }
.head h1 { font-size: 1.6rem }
.head .lead { margin: .35rem 0 0; max-width: 44rem }
.actions, .row { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem }
.actions form, .row form { margin: 0 }
.card { margin: 0 0 1.25rem; padding: 1.35rem 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shade) }
.card > :first-child { margin-top: 0 } .card > :last-child { margin-bottom: 0 }
.card > h2 { margin: 0 0 .6rem; font-size: 1.0625rem }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(12rem, 100%), 1fr)); gap: 1.25rem; margin-bottom: 1.25rem }
.cards.four { grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr)) } .facts .chips { margin: 0 }
.cards > .card { margin: 0 }
.stat { display: grid; align-content: start; gap: .1rem; margin: 0 }
.stat dt { color: var(--soft); font-size: .875rem } .stat dd { margin: 0; font-size: 1.75rem; font-weight: 650; letter-spacing: -.02em; line-height: 1.2;
  font-variant-numeric: tabular-nums }
.stat dd.small { font-size: .875rem; font-weight: 400; letter-spacing: 0 }
.empty { margin: 0 0 1.25rem; padding: 2.25rem 1.5rem; text-align: center; background: var(--paper); border: 1px dashed var(--edge); border-radius: 14px }
.empty h2 { margin: 0 0 .35rem; font-size: 1.0625rem } .empty p { max-width: 32rem; margin: .35rem auto; color: var(--soft) }
.empty .actions { justify-content: center; margin-top: 1rem }
.filters { display: flex; flex-wrap: wrap; align-items: flex-end; gap: .75rem; margin: 0 0 1.25rem }
.filters .field { flex: 0 1 11rem } .filters .field:first-child { flex: 1 1 14rem; max-width: 28rem } .filters label { flex: 1 1 10rem; font-size: .875rem }
.console label :is(input, select, textarea) { font-weight: 400 } .card > form > .field { max-width: 38rem }
.console input:not([type=checkbox], [type=radio]), .console select, .console textarea { min-height: 2.5rem }
.console button, .console .button { min-height: 2.5rem; padding: .45rem 1rem; font-size: .9375rem }
.console .button { display: inline-flex; align-items: center; justify-content: center } .console .card form > button { justify-self: start }
.console .field > label:not(.check) { display: block } .console .filters button { min-height: 2.75rem } .console .pair .field > * { min-width: 0; max-width: 100% } .card > h2 + :is(.chart, .matters, .steps) { margin-top: 1.1rem }
.console button.tiny, .console .button.tiny { min-height: 2rem; padding: .15rem .7rem; font-size: .8125rem; border-radius: 8px }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); gap: 1rem }
.check { display: flex; align-items: flex-start; gap: .6rem; font-weight: 500 }
.check input { flex: none; margin: .15rem 0 0 }
fieldset { margin: 0; padding: 0; border: 0; display: grid; gap: .5rem } legend { padding: 0 0 .4rem; font-weight: 600 }
.check .hint { display: block }
.field { display: grid; gap: .3rem } .console .card form:not(.actions) { gap: 1.1rem }
.console .field > :is(input, select, textarea) { max-width: 32rem }
.hint { color: var(--soft); font-size: .875rem; font-weight: 400 }
.wrong { color: var(--bad); font-size: .875rem; font-weight: 550 }
[aria-invalid=true] { border-color: var(--bad) !important }
.note.good { border-color: var(--good); background: var(--good-soft) } .note.good > strong:first-child, .note.good p > strong:first-child { color: var(--good) }
.console form > .note { margin: 0 }
section.danger, .card.danger { border-color: var(--bad) }
button.danger.solid { color: var(--paper); background: var(--bad) }
.console table { font-size: .9375rem; font-variant-numeric: tabular-nums }
.console tbody tr:hover { background: color-mix(in srgb, var(--sunk) 60%, transparent) }
.console tbody tr:last-child > * { border-bottom: 0 }
.console th, .console td { padding: .65rem 1rem .65rem 0; vertical-align: middle } .console td:last-child, .console th:last-child { padding-right: 0 }
.console thead th { font-size: .8125rem; white-space: nowrap } .console tbody th { color: var(--ink); font-weight: 600 } .console tbody th .small { font-weight: 400 }
.console td .chip, .console th .chip { display: inline-block; white-space: nowrap }
.right { text-align: right; white-space: nowrap } .soft { color: var(--soft) } .nowrap { white-space: nowrap }
.mono { font-family: ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, monospace; font-size: .875em }
.tabs { display: flex; flex-wrap: wrap; gap: .25rem; margin: 0 0 1.25rem; border-bottom: 1px solid var(--line) }
.tabs a { padding: .55rem .9rem; min-height: 2.5rem; margin-bottom: -1px; color: var(--soft); font-weight: 550; font-size: .9375rem; text-decoration: none;
  border-bottom: 2px solid transparent }
.tabs a:hover { color: var(--ink) } .tabs a[aria-current] { color: var(--mark); border-color: var(--mark) }
.count { display: inline-block; min-width: 1.5rem; margin-left: .25rem; padding: 0 .4rem; border-radius: 99px; background: var(--sunk); color: var(--soft);
  font-size: .8125rem; text-align: center; font-variant-numeric: tabular-nums }
.rows { padding-block: .35rem } .rows th[scope=row] { white-space: normal } .rows th .small { font-weight: 400 } .row.end { justify-content: flex-end } .row.low { align-items: flex-end }
.list { margin: 0; padding: 0; list-style: none } .list > li { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.25rem; padding: .85rem 0;
  border-bottom: 1px solid var(--line) }
.list > li:last-child { border-bottom: 0 } .list > li > :first-child { flex: 1 1 16rem } .list .state { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; flex: 0 1 13rem }
.list .row { flex: 0 0 auto; min-width: 11rem }
.pages { display: flex; justify-content: space-between; gap: 1rem; margin: 1rem 0 0 }
.crumb { margin: 0 0 .5rem; font-size: .875rem } .crumb a { color: var(--soft) }
.chart { margin: 0 } .chart .plot { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .6rem } .chart .plot > svg { display: block; height: 11rem }
.axis-y, .axis-x { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums }
.axis-y { flex-direction: column; text-align: right; margin-block: -.6em } .axis-x { margin: .5rem 0 .75rem } .chart figcaption { gap: .35rem 1rem }
.chart .key { display: inline-flex; align-items: center; gap: .4rem } .chart details { margin-top: .75rem } .chart summary { cursor: pointer; font-size: .875rem }
.chart .scroll { max-height: 22rem; overflow: auto; margin-top: .5rem } .chart line { vector-effect: non-scaling-stroke }
.ranges { margin: 0 0 1.25rem } .ranges [aria-current] { color: var(--mark); border-color: var(--mark); background: var(--mark-soft) }
.scopes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr)); gap: .4rem 1rem; padding: .6rem 0 0 1.85rem }
details.card > summary { cursor: pointer } details.card > summary h2 { display: inline; font-size: 1.0625rem; margin: 0 } td.wide { width: 35%; min-width: 6rem }
.chart .bar { fill: var(--mark) } .chart .bad { fill: var(--bad) } .chart .grid { stroke: var(--line) }
.meter { display: block; height: .5rem; border-radius: 99px; background: var(--sunk); overflow: hidden } .meter rect { fill: var(--mark) }
.steps { counter-reset: step; display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none }
.steps > li { counter-increment: step; display: grid; grid-template-columns: 2rem minmax(0, 1fr); gap: .75rem }
.steps > li::before { content: counter(step); display: grid; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: 50%;
  background: var(--mark-soft); color: var(--mark); font-weight: 650; font-size: .875rem }
.steps > li > div > :first-child { margin-top: 0 }
.steps > li.done { position: relative } .steps > li.done::before { content: ''; background: var(--good-soft) }
.steps > li.done::after { content: ''; position: absolute; left: .66rem; top: .4rem; width: .42rem; height: .78rem; border: solid var(--good);
  border-width: 0 2px 2px 0; rotate: 45deg }
.strip { padding: .6rem max(1.25rem, calc((100vw - 78rem) / 2 + 1.25rem)); background: var(--warn-soft); color: var(--ink); border-bottom: 1px solid var(--line);
  font-size: .9375rem } .strip strong { color: var(--warn) } .strip.bad { background: var(--bad-soft) } .strip.bad strong { color: var(--bad) }
.strip form { display: inline; margin: 0 } .strip p { margin: 0 } .strip .row { justify-content: space-between }
.card hr { margin: 1.5rem 0; border: 0; border-top: 1px solid var(--line) } .card > h2.row { justify-content: space-between }
.card h3 { margin: 0 0 .35rem; font-size: 1rem } th.thing { min-width: 11rem } th.thing .small { font-weight: 400 }
.record { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .6rem 1rem; align-items: start; margin: .75rem 0 }
.record dt { padding-top: .65rem; font-weight: 600; font-size: .9375rem } .record dd { margin: 0 } .record .address { margin: 0 } .record .hint { margin-top: .35rem }
.record .address, .record .address code { font-size: .9375rem } .console .address { min-height: 2.75rem; padding-block: .3rem; border-radius: 10px }
details.more { margin: .6rem 0 } details.more > summary { cursor: pointer; color: var(--mark); font-size: .9375rem; font-weight: 550 }
.panels { display: grid; gap: .15rem; margin: .6rem 0; font-size: .9375rem } .panels dt { font-weight: 600 } .panels dd { margin: 0 0 .5rem; color: var(--soft) }
.card.call { border-color: var(--mark) } .card.call .actions form { margin: 0 }
.matters { display: grid; margin: 0; padding: 0; list-style: none }
.matters > li { display: grid; grid-template-columns: 12rem minmax(0, 1fr) max-content; align-items: center; gap: .35rem .9rem; padding: .6rem 0;
  border-top: 1px solid var(--line) }
.matters > li:first-child { border: 0; padding-top: 0 } .matters > li:last-child { padding-bottom: 0 } .matters > li > .soft { font-size: .9375rem; text-align: right }
.matters .chip { justify-self: start }
.bars th { width: 1%; white-space: nowrap } .bars td:last-child { width: 1% } .bars td:nth-child(2) { min-width: 4rem } .bars th, .bars td { border: 0; padding-block: .4rem }
h2 .soft { font-weight: 400; font-size: .875rem; margin-left: .4rem } .steps li.done p { margin: .1rem 0 0; color: var(--soft) } .steps li.done strong { font-weight: 500 }
.steps > li > div > p { margin: .25rem 0 }
@media (max-width: 34rem) {
  .matters > li { grid-template-columns: minmax(0, 1fr) } .matters > li > .soft { text-align: left }
  .console .spare { display: none } .bars td:nth-child(2) { min-width: 1rem } .bars th, .bars td { padding-right: .5rem } .bars td .soft { display: block; margin: 0 }
  .record { grid-template-columns: minmax(0, 1fr); gap: .25rem } .record dt { padding-top: .4rem }
  table.stack, .stack tbody, .stack tr, .stack th, .stack td { display: block }
  .stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  .stack tr { padding: .7rem 0; border-bottom: 1px solid var(--line) } .stack tr:first-child { padding-top: 0 } .stack tr:last-child { padding-bottom: 0; border: 0 }
  .console .stack th, .console .stack td { padding: .15rem 0; border: 0 }
  .stack td[data-label] { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .5rem }
  .stack td[data-label]::before { content: attr(data-label); color: var(--soft); font-size: .875rem }
  .stack td .chip { justify-self: start } .stack td.right { text-align: left }
}
@media (max-width: 56rem) {
  .console .shell { grid-template-columns: minmax(0, 1fr); gap: 1rem; padding: .75rem 1rem 3rem }
  .side { position: static; display: flex; flex-wrap: wrap; gap: .15rem; padding-bottom: .6rem; border-bottom: 1px solid var(--line) }
  .side a { padding: .3rem .65rem } .side svg { display: none } .side h2 { flex-basis: 100%; margin: .5rem .65rem 0 }
  .console .top { gap: .25rem; padding-inline: 1rem } .console .brand .name { display: none }
  .card { padding: 1.1rem } .rows { padding-block: .25rem } .console .roomy { display: none } .list .row { justify-content: flex-start; min-width: 0 }
}
@media (max-width: 34rem) { .tabs { gap: 0 } .tabs a { padding: .5rem .4rem; font-size: .875rem } .count { min-width: 1.25rem; margin-left: .1rem; padding: 0 .3rem }
  .filters .field { flex: 1 1 8rem }
  body.console { padding: 0 } .console .wide { display: none } .console main { padding: 0 } .menu > summary { max-width: 44vw; white-space: nowrap; overflow: hidden; text-overflow: ellipsis } }
`
