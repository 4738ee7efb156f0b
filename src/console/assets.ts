import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { CONSOLE_LOOK } from './console-look.ts'
import { CONSOLE_SCRIPT } from './console-script.ts'
import type { ConsoleHost } from './deps.ts'

/** Seconds: what is no secret may be kept (D40). */
const KEEP = 300

/** A new content is a new address, so that no page meets the look of another version. */
const addressOf = (text: string, ending: string): string =>
  `/console/assets/${createHash('sha256').update(text).digest('hex').slice(0, 16)}.${ending}`

const STYLE = { url: addressOf(CONSOLE_LOOK, 'css'), type: 'text/css', text: CONSOLE_LOOK }
const SCRIPT = { url: addressOf(CONSOLE_SCRIPT, 'js'), type: 'text/javascript', text: CONSOLE_SCRIPT }

export const STYLE_URL = STYLE.url
export const SCRIPT_URL = SCRIPT.url

/** The look and the script of the console, as files of our own: its pages allow nothing inline. */
export function assetRoutes(app: FastifyInstance, { onlyMethods }: Pick<ConsoleHost, 'onlyMethods'>): void {
  for (const { url, type, text } of [STYLE, SCRIPT]) {
    app.get(
      url,
      async (_request, reply) =>
        await reply
          .headers({ 'content-type': `${type}; charset=utf-8`, 'cache-control': `public, max-age=${KEEP}` })
          .send(text),
    )
    onlyMethods(app, url, ['GET', 'HEAD'])
  }
}
