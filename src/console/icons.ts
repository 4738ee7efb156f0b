import { html, type Html } from '#base/html.ts'

const icon = (path: string): Html =>
  html`<svg
    width="18"
    height="18"
    viewBox="0 0 20 20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d="${path}" />
  </svg>`

/** Drawn in the colour of the text; always beside a word, never alone. */
export const ICONS = {
  overview: icon('M3 10.5 10 4l7 6.5M5 9v7h10V9'),
  domains: icon(
    'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M3.2 10h13.6M10 3c2.4 2 3.2 4.4 3.2 7s-.8 5-3.2 7c-2.4-2-3.2-4.4-3.2-7S7.6 5 10 3',
  ),
  people: icon(
    'M7.5 9.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4M2.5 16c.4-2.6 2.3-4 5-4s4.6 1.4 5 4M13 4.5a2.6 2.6 0 0 1 0 4.8M14.8 12.3c1.5.5 2.4 1.8 2.7 3.7',
  ),
  keys: icon('M7 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M9.6 10.4 16 4M13.5 6.5l2 2'),
  audit: icon('M5 3h10v14H5zM7.5 7h5M7.5 10h5M7.5 13h3'),
  usage: icon('M4 16V9M8 16V5M12 16v-5M16 16V7'),
  settings: icon('M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4'),
  tenants: icon('M4 17V5l6-2 6 2v12M8 8h.01M12 8h.01M8 12h.01M12 12h.01M8.5 17v-2.5h3V17'),
  providers: icon('M10 3l6 2.5V10c0 3.5-2.5 6-6 7-3.5-1-6-3.5-6-7V5.5zM7.5 10l2 2 3.5-4'),
  migrations: icon('M4 5.5C4 4 16 4 16 5.5v9c0 1.5-12 1.5-12 0zM4 5.5C4 7 16 7 16 5.5M4 10c0 1.5 12 1.5 12 0'),
} as const
