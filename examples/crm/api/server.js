import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

/**
 * A sample API of the kind many companies have: POST /v1/auth/login {username, password} gives a token that lives a minute and a refresh token
 * that works once; POST /v1/auth/refresh {refresh_token} gives the next two. Every account has contacts of its own. All in memory.
 */
const ACCOUNTS = {
  gatehouse: { password: 'shared-password', contacts: [['Ada Lovelace', 'ada@example.com']] },
  acme: { password: 'acme-password', contacts: [['Grace Hopper', 'grace@example.com']] },
}
const LIFE = 60

/** Listens on loopback; answers the server. @param port 0: a free one. */
export async function startSampleApi(port) {
  const contacts = new Map(
    Object.entries(ACCOUNTS).map(([account, { contacts }]) => [
      account,
      contacts.map(([name, email]) => ({ id: randomUUID(), name, email })),
    ]),
  )
  const access = new Map()
  const refresh = new Map()

  const grant = (account) => {
    const tokens = { access_token: randomUUID(), refresh_token: randomUUID() }
    access.set(tokens.access_token, { account, until: Date.now() + LIFE * 1000 })
    refresh.set(tokens.refresh_token, account)
    return [200, { ...tokens, token_type: 'Bearer', expires_in: LIFE }]
  }

  const routes = {
    'POST /v1/auth/login': ({ body: { username, password } }) =>
      Object.hasOwn(ACCOUNTS, username) && ACCOUNTS[username].password === password
        ? grant(username)
        : [401, { error: 'wrong user name or password' }],
    'POST /v1/auth/refresh': ({ body: { refresh_token } }) => {
      const account = refresh.get(refresh_token)
      refresh.delete(refresh_token)
      return account === undefined ? [401, { error: 'no such refresh token' }] : grant(account)
    },
    'GET /v1/contacts': ({ own, url }) => {
      const q = (url.searchParams.get('q') ?? '').toLowerCase()
      return [200, { items: own.filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(q)).slice(0, 20) }]
    },
    'POST /v1/contacts': ({ own, body: { name, email } }) => {
      if (own.some((contact) => contact.email === email)) return [409, { error: 'there is a contact with this address' }]
      const contact = { id: randomUUID(), name, email }
      own.push(contact)
      return [201, contact]
    },
    'GET /v1/contacts/:id': ({ own, id }) => {
      const contact = own.find((one) => one.id === id)
      return contact === undefined ? [404, { error: 'no such contact' }] : [200, contact]
    },
  }

  const answer = async (request) => {
    const url = new URL(request.url, 'http://sample')
    const [, id] = /^\/v1\/contacts\/([^/]+)$/.exec(url.pathname) ?? []
    const route = routes[`${request.method} ${id === undefined ? url.pathname : '/v1/contacts/:id'}`]
    if (route === undefined) return [404, { error: 'not found' }]
    let text = ''
    for await (const piece of request.setEncoding('utf8')) text += piece
    const body = text === '' ? {} : JSON.parse(text)
    if (url.pathname.startsWith('/v1/auth/')) return route({ body })
    const grant = access.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (grant === undefined || grant.until < Date.now()) return [401, { error: 'sign in first' }]
    return route({ body, url, id, own: contacts.get(grant.account) })
  }

  const server = createServer((request, response) => {
    answer(request)
      .catch(() => [400, { error: 'bad request' }])
      .then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startSampleApi(Number(process.env.API_PORT ?? 4010))
  console.log(`The sample API listens on http://127.0.0.1:${server.address().port}/v1`)
}
