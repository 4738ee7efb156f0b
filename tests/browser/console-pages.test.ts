import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PAGES } from '../console/who-may.ts'
import { startChromium } from '../support/chromium.ts'
import { faultsOf, overflowOf } from '../support/page-faults.ts'
import { startCompany, type Company, type Whom } from './company.ts'

/** Every page of the console, with a month of a company in it and with nothing: can everybody read it, on a phone too? */

let company: Company
let browser: Browser
beforeAll(async () => {
  ;[company, browser] = await Promise.all([startCompany('postgres'), startChromium()])
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await company?.close()
})

/** What is no page: they lead on, or were told their way back by a provider. */
const NO_PAGE = ['/console', '/console/', '/console/*', '/console/operator', '/console/callback/:provider']
const ROUTES = Object.keys(PAGES).filter((route) => !NO_PAGE.includes(route))

/** One browser window per person, for all pages. */
const windows = new Map<Whom, Promise<Page>>()
const windowOf = async (whom: Whom): Promise<Page> => {
  const page = windows.get(whom) ?? company.open(browser, whom).then(async (context) => await context.newPage())
  windows.set(whom, page)
  return await page
}

function addressOf(route: string, slug: string): string {
  const ids = { ...company.ids, slug, name: slug, ...(route.includes('/confirm/:id') && { id: company.confirmation }) }
  const path = route.replaceAll(/:(\w+)/g, (_, name: string) => ids[name as keyof typeof ids] ?? name)
  if (path === '/console/login') return `${path}?fresh=1`
  return path === '/console/account/leave' ? `${path}?organisation=${slug}` : path
}

const PHONES = [375, 320]

/** All that keeps somebody from reading the page as it stands, in both schemes and on phones. */
async function complaints(page: Page): Promise<string[]> {
  const found: string[] = []
  // What opens is open; of a long list the first are enough.
  await page.evaluate('for (const item of [...document.querySelectorAll("main details")].slice(0, 4)) item.open = true')
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const faults = await faultsOf(page, colorScheme === 'light' ? null : ['color-contrast'])
    found.push(...faults.map((fault) => `${colorScheme}: ${fault}`))
    for (const width of PHONES) {
      await page.setViewportSize({ width, height: 740 })
      const over = await overflowOf(page)
      if (over > 0) found.push(`${colorScheme}: ${over} px wider than a window of ${width}`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
  }
  return found
}

async function look(whom: Whom, path: string): Promise<{ readonly status: number; readonly found: string[] }> {
  const page = await windowOf(whom)
  const answer = await page.goto(`${company.server.url}${path}`)
  return { status: answer?.status() ?? 0, found: await complaints(page) }
}

describe('with a month of a company in it', () => {
  test.each(ROUTES)('%s can be read by everybody', async (route) => {
    const whom = PAGES[route] === 'operator' ? 'operator' : 'owner'
    expect(await look(whom, addressOf(route, company.slug))).toEqual({ status: 200, found: [] })
  })

  test.each(['verified', 'missing', 'lapsed', 'contested'] as const)('a domain that is %s', async (standing) => {
    const path = `/console/t/${company.slug}/domains/${company.domains[standing]}`
    expect(await look('owner', path)).toEqual({ status: 200, found: [] })
  })

  test.each(['/people', '/keys', '/usage', '/settings', '/audit'])('a member at %s', async (path) => {
    const status = path === '/audit' ? 403 : 200
    expect(await look('member', `/console/t/${company.slug}${path}`)).toEqual({ status, found: [] })
  })
})

describe('where nothing happened yet', () => {
  // Forms are the same there.
  const lists = ROUTES.filter((route) => /^\/console\/t\/:slug(\/[a-z]+)?(\/requests|\/invitations)?$/.test(route))
  test.each(lists)('%s says what to do', async (route) => {
    expect(await look('newcomer', addressOf(route, company.empty))).toEqual({ status: 200, found: [] })
  })
})
