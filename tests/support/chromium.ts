import { chromium, type Browser } from 'playwright-core'

/**
 * A real Chromium from npm, unpacked once into the temporary folder. Made to believe it runs where its package brings its own libraries
 * along (nss, nspr, expat, fonts), so that a bare machine needs none. Linux x64 only; its own flags are not used: they falsify CORS.
 */
export async function startChromium(): Promise<Browser> {
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs22.x'
  const { default: packed } = await import('@sparticuz/chromium')
  const executablePath = await packed.executablePath()
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // A site of somebody else, served from this machine.
      '--host-resolver-rules=MAP *.example.com 127.0.0.1',
    ],
  })
}
