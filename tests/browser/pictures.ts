import { join } from 'node:path'
import fastify from 'fastify'
import type { BrowserContextOptions } from 'playwright-core'
import { packageRoot } from '#base/package.ts'
import { accountPage, devErrorPage } from '#http/dev-page.ts'
import { homeRoutes } from '#http/home.ts'
import { sendDocument } from '#http/send-document.ts'
import { startChromium } from '../support/chromium.ts'
import { takeConsole } from './console-pictures.ts'

/**
 * `npm run pictures` takes the pictures in docs/clients/ and docs/console/ again: the real pages, with the address and providers of a deployment.
 * `npm run pictures -- keys key-new` takes only these of the console.
 */
const only = process.argv.slice(2)
const app = fastify()
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
app.get('/sign-in', async (_request, reply) => {
  await sendDocument(reply, accountPage('/sign-in', 'http://127.0.0.1:33418/'))
})
app.get('/error', async (_request, reply) => {
  await sendDocument(reply, devErrorPage('This sign-in was already finished or took too long.'))
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const browser = await startChromium()

async function take(name: string, path: string, options: BrowserContextOptions): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  await page.goto(`${url}${path}`)
  await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: join(packageRoot, 'docs/clients', `${name}.png`) })
  await context.close()
}

try {
  if (only.length === 0) await takeClients()
  await takeConsole(browser, only)
} finally {
  await browser.close()
  await app.close()
}

async function takeClients(): Promise<void> {
  const wide = { width: 900, height: 860 }
  const narrow = { width: 640, height: 560 }
  await take('connect-light', '/', { colorScheme: 'light', viewport: wide })
  await take('connect-dark', '/#cursor', { colorScheme: 'dark', viewport: wide })
  await take('connect-phone', '/', { colorScheme: 'light', viewport: { width: 375, height: 812 } })
  await take('sign-in-light', '/sign-in', { colorScheme: 'light', viewport: narrow })
  await take('sign-in-dark', '/sign-in', { colorScheme: 'dark', viewport: narrow })
  await take('error', '/error', { colorScheme: 'light', viewport: { width: 640, height: 360 } })
}
