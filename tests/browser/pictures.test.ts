import { statSync } from 'node:fs'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { accountPage, devErrorPage } from '#http/dev-page.ts'
import { homeRoutes } from '#http/home.ts'
import { sendDocument } from '#http/page-style.ts'
import { startChromium } from '../support/chromium.ts'

/**
 * The pictures in docs/clients/. `PICTURES=1 npx vitest run tests/browser/pictures.test.ts` takes them again; otherwise it is only seen
 * that they are there and small.
 */
const folder = join(packageRoot, 'docs/clients')
const PICTURES = ['connect-light', 'connect-dark', 'connect-phone', 'sign-in-light', 'sign-in-dark', 'error'] as const
const MOST_BYTES = 150_000

test.each(PICTURES)('the picture %s is there and small', (name) => {
  const { size } = statSync(join(folder, `${name}.png`))
  expect(size).toBeGreaterThan(5_000)
  expect(size).toBeLessThan(MOST_BYTES)
})

// eslint-disable-next-line vitest/no-disabled-tests
describe.runIf(process.env['PICTURES'] === '1')('taking the pictures', () => {
  let app: FastifyInstance
  let browser: Browser
  let url: string
  beforeAll(async () => {
    app = fastify()
    // The real pages, with the address and the providers of a deployment.
    homeRoutes(app, {
      publicUrl: 'https://mcp.example.com',
      providers: [
        { id: 'google', authorization_server: 'https://accounts.google.com' },
        { id: 'github', authorization_server: 'https://github.com/login/oauth' },
      ],
      brokered: true,
      console: true,
      anonymous: async () => undefined,
    })
    app.get('/sign-in', async (_request, reply) =>
      sendDocument(reply, accountPage('/sign-in', 'http://127.0.0.1:33418/')),
    )
    app.get('/error', async (_request, reply) =>
      sendDocument(reply, devErrorPage('This sign-in was already finished or took too long.')),
    )
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    browser = await startChromium()
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  const take = async (
    name: (typeof PICTURES)[number],
    path: string,
    options: BrowserContextOptions,
    act: (page: Page) => Promise<void> = async () => undefined,
  ): Promise<void> => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    await page.goto(`${url}${path}`)
    await act(page)
    await page.screenshot({ path: join(folder, `${name}.png`) })
    await context.close()
  }
  const wide = { width: 900, height: 860 }
  const narrow = { width: 640, height: 560 }

  test('connect', async () => {
    await take('connect-light', '/', { colorScheme: 'light', viewport: wide })
    await take('connect-dark', '/#cursor', { colorScheme: 'dark', viewport: wide }, async (page) => {
      await page.evaluate('scrollTo(0, 0)')
    })
    await take('connect-phone', '/', { colorScheme: 'light', viewport: { width: 375, height: 812 } })
  })

  test('sign-in and error', async () => {
    await take('sign-in-light', '/sign-in', { colorScheme: 'light', viewport: narrow })
    await take('sign-in-dark', '/sign-in', { colorScheme: 'dark', viewport: narrow })
    await take('error', '/error', { colorScheme: 'light', viewport: { width: 640, height: 360 } })
  })
})
