import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { packageRoot } from '#base/package.ts'
import { startCompany, type Company, type Whom } from './company.ts'
import { smallPng } from './small-png.ts'

interface Shot {
  readonly name: string
  readonly whom: Whom
  /** Below `/console`. */
  readonly path: string
  /** What somebody does before they look. */
  readonly first?: (page: Page) => Promise<void>
}

const press = (button: string) => async (page: Page) => await page.getByRole('button', { name: button }).click()
const unfold = (text: string) => async (page: Page) => await page.getByText(text).first().click()

const shots = ({ slug, empty, ids, confirmation, domains }: Company): readonly Shot[] => {
  const at = (path = ''): string => `/t/${slug}${path}`
  const domain = (which: keyof Company['domains']): string => at(`/domains/${domains[which]}`)
  return [
    { name: 'overview', whom: 'owner', path: at() },
    { name: 'overview-new', whom: 'newcomer', path: `/t/${empty}` },
    { name: 'domains', whom: 'owner', path: at('/domains') },
    { name: 'domains-new', whom: 'newcomer', path: `/t/${empty}/domains` },
    { name: 'domain-record', whom: 'owner', path: domain('pending') },
    { name: 'domain-checked', whom: 'owner', path: domain('pending'), first: press('Check now') },
    { name: 'domain-verified', whom: 'owner', path: domain('verified') },
    { name: 'domain-missing', whom: 'owner', path: domain('missing') },
    { name: 'people', whom: 'owner', path: at('/people') },
    { name: 'people-requests', whom: 'owner', path: at('/people/requests') },
    { name: 'people-invitations', whom: 'owner', path: at('/people/invitations') },
    { name: 'person', whom: 'owner', path: at(`/people/${ids.member}`) },
    { name: 'people-invite', whom: 'owner', path: at('/people/invite') },
    {
      name: 'people-invited',
      whom: 'newcomer',
      path: `/t/${empty}/people/invite`,
      first: async (page) => {
        await page.getByLabel('Their address').fill('sam@partner.example')
        await press('Make the link')(page)
      },
    },
    { name: 'people-member', whom: 'member', path: at('/people') },
    { name: 'keys', whom: 'owner', path: at('/keys') },
    { name: 'keys-none', whom: 'newcomer', path: `/t/${empty}/keys` },
    { name: 'key-new', whom: 'owner', path: at('/keys/new') },
    {
      name: 'key-made',
      whom: 'newcomer',
      path: `/t/${empty}/keys/new`,
      first: async (page) => {
        await page.getByLabel('Name').fill('CI of the website')
        await press('Create the key')(page)
      },
    },
    { name: 'key', whom: 'owner', path: at(`/keys/${ids.id}`) },
    { name: 'audit', whom: 'admin', path: at('/audit') },
    { name: 'audit-deletions', whom: 'admin', path: at('/audit?action=delete_*'), first: unfold('delete_project') },
    { name: 'audit-new', whom: 'newcomer', path: `/t/${empty}/audit?source=tools` },
    { name: 'usage', whom: 'owner', path: at('/usage') },
    { name: 'usage-new', whom: 'newcomer', path: `/t/${empty}/usage` },
    { name: 'settings', whom: 'owner', path: at('/settings') },
    { name: 'settings-member', whom: 'member', path: at('/settings') },
    { name: 'confirm', whom: 'owner', path: at(`/confirm/${confirmation}`) },
    { name: 'account', whom: 'owner', path: '/account' },
    { name: 'leave', whom: 'member', path: `/account/leave?organisation=${slug}` },
    { name: 'login', whom: 'owner', path: '/login?fresh=1' },
    { name: 'invitation', whom: 'viewer', path: '/invitation' },
    { name: 'refused', whom: 'member', path: at('/audit') },
    { name: 'operator-tenants', whom: 'operator', path: '/operator/tenants' },
    { name: 'operator-tenant', whom: 'operator', path: `/operator/tenants/${slug}` },
    { name: 'operator-new-tenant', whom: 'operator', path: '/operator/new-tenant' },
    { name: 'operator-claims', whom: 'operator', path: '/operator/claims' },
    { name: 'operator-providers', whom: 'operator', path: '/operator/providers' },
    { name: 'operator-migrations', whom: 'operator', path: '/operator/migrations' },
  ]
}

const LOOKS = [
  ['light', 'light', 1280, 800],
  ['dark', 'dark', 1280, 800],
  ['phone', 'light', 375, 740],
] as const

/** Pixels of height; what is longer is cut. */
const MOST = 2400

/** Takes the pictures in docs/console/ again: every page of a real server with a company on it. @param only names to take; none: all. */
export async function takeConsole(browser: Browser, only: readonly string[]): Promise<void> {
  const folder = process.env['PICTURES'] ?? join(packageRoot, 'docs/console')
  await mkdir(folder, { recursive: true })
  const company = await startCompany('embedded', 'https://mcp.example.com')
  try {
    for (const { name, whom, path, first } of shots(company)) {
      if (only.length > 0 && !only.includes(name)) continue
      const context = await company.open(browser, whom)
      const page = await context.newPage()
      await page.goto(`${company.server.url}/console${path}`)
      await first?.(page)
      for (const [look, colorScheme, width, height] of LOOKS) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height })
        await page.evaluate('scrollTo(0, 0); document.activeElement?.blur()')
        const whole = await page.evaluate<number>('document.documentElement.scrollHeight')
        const clip = { x: 0, y: 0, width, height: Math.min(whole, MOST) }
        const taken = smallPng(await page.screenshot({ fullPage: true, clip }))
        await writeFile(join(folder, `${name}-${look}.png`), taken)
      }
      await context.close()
    }
  } finally {
    await company.close()
  }
}
