import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { alternate, type Case } from '../alternate.ts'
import { listTools } from '../requests.ts'
import { LOG_OFF, TOOLS, type World } from '../world.ts'
import type { Running } from '../processes.ts'
import type { Part } from './part.ts'

const MANY = 40

/** The bytes that a server answers to tools/list, and how many tools are in them. */
async function answered(server: Running, token: string): Promise<{ readonly text: string; readonly many: number }> {
  const { headers, body } = listTools()
  const response = await fetch(`http://127.0.0.1:${server.port}/mcp`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}` },
    body,
  })
  const text = await response.text()
  const { result } = JSON.parse(text) as { readonly result?: { readonly tools: readonly unknown[] } }
  if (result === undefined) throw new Error(`tools/list: ${response.status} ${text.slice(0, 200)}`)
  return { text, many: result.tools.length }
}

/** The bench's tools and as many copies of one as make the list `MANY` long. */
async function toolsFolder(world: World): Promise<string> {
  const { many } = await answered(await world.gatehouse(), world.token)
  const folder = join(dirname(await world.file('tools-marker', '')), 'tools-40')
  await mkdir(folder)
  for (const name of await readdir(TOOLS)) await copyFile(join(TOOLS, name), join(folder, name))
  for (let copy = 0; copy < MANY - many; copy++)
    await copyFile(join(TOOLS, 'describe-order.js'), join(folder, `describe-order-${copy + 2}.js`))
  return folder
}

/** tools/list of 40 tools against Fastify that sends the same bytes. */
export const list: Part = async ({ world, generator, pace }) => {
  const server = await world.gatehouse({ ...LOG_OFF, TOOLS_DIR: await toolsFolder(world) })
  const { text, many } = await answered(server, world.token)
  if (many !== MANY) throw new Error(`tools/list shows ${many} tools instead of ${MANY}`)
  const bytes = await world.file('tools-list.json', text)
  const size = `${(text.length / 1024).toFixed(0)} KB`
  const base: Case = {
    id: 'fastify-list',
    title: `bare Fastify, the same ${size}`,
    subject: async () => ({
      server: await world.server('servers/fastify-bytes.ts', { BYTES: bytes }),
      call: listTools(),
      token: world.token,
    }),
  }
  const listing: Case = {
    id: 'list',
    title: `Gatehouse tools/list, ${MANY} tools`,
    target: { is: 'at least', value: 0.5 },
    subject: async () => ({ server, call: listTools(), token: world.token }),
  }
  return [...(await alternate(generator, base, [listing], pace)).values()].map(({ row }) => row)
}
