import { connect, type LookupFunction } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isPublicAddress, urlOf } from '#base/address.ts'
import { createGuardedFetch, FetchFailed, type GuardedFetch, type GuardOptions } from '#base/fetch.ts'
import { json, startServer, status, type TestServer } from '../identity/support/server.ts'

let server: TestServer
const guards: GuardedFetch[] = []

beforeAll(async () => {
  server = await startServer(json({ ok: true }))
})
afterAll(async () => {
  await Promise.all(guards.map(async (guard) => await guard.close()))
  await server.close()
})

function guarded(options: Partial<GuardOptions> = {}): GuardedFetch {
  const guard = createGuardedFetch({ allowPrivate: true, ...options })
  guards.push(guard)
  return guard
}

/** What the request failed with. */
async function failure(work: Promise<unknown>): Promise<FetchFailed> {
  const error: unknown = await work.then(
    () => 'no failure',
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(FetchFailed)
  return error as FetchFailed
}

const answering =
  (...addresses: string[]): LookupFunction =>
  (_host, options, done) => {
    const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all === true) done(null, list)
    else done(null, addresses[0] ?? '', 4)
  }

/** Every connection ends at our own server, whatever address was checked; counts them. */
function dialHome() {
  let dialled = 0
  const dispatcherConnect: NonNullable<GuardOptions['dispatcherConnect']> = (_target, done) => {
    dialled += 1
    const socket = connect(server.port, '127.0.0.1')
    socket.once('connect', () => done(null, socket))
    socket.once('error', (error) => done(error, null))
  }
  return { dispatcherConnect, dialled: () => dialled }
}

test('a JSON answer comes with its status and headers', async () => {
  server.answer(json({ keys: [] }, { 'cache-control': 'max-age=7' }))
  const { status: code, headers, body } = await guarded().json(`${server.url}/jwks?x=1`)
  expect([code, headers.get('cache-control'), body]).toEqual([200, 'max-age=7', { keys: [] }])
})

test('a form is posted as a form', async () => {
  let seen = ''
  server.answer((request, response) => {
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (seen += chunk))
    request.on('end', () => response.end(JSON.stringify({ type: request.headers['content-type'] })))
  })
  const body = new URLSearchParams({ token: 'a b' })
  const answer = await guarded().json(server.url, { method: 'POST', body })
  expect(seen).toBe('token=a+b')
  expect(answer.body).toEqual({ type: 'application/x-www-form-urlencoded;charset=UTF-8' })
})

test('a status that is not awaited is a failure with its Retry-After; an awaited one is an answer', async () => {
  server.answer(status(429, { 'retry-after': '17' }))
  const failed = await failure(guarded().json(server.url))
  expect(failed).toMatchObject({ kind: 'status', status: 429, retryAfter: 17 })
  expect(await guarded().json(server.url, { accept: [200, 429] })).toMatchObject({ status: 429, body: null })
})

test('an answer that is no JSON is a failure', async () => {
  server.answer((_, response) => response.end('<html>'))
  expect(await failure(guarded().json(server.url))).toMatchObject({ kind: 'not_json', status: 200 })
})

test('a failure names neither the query nor the body', async () => {
  server.answer((_, response) => response.end('secret-body'))
  const { message, cause } = await failure(guarded().json(`${server.url}/tokeninfo?access_token=secret-token`))
  expect(`${message} ${String(cause)}`).not.toMatch(/secret/)
  expect(message).toContain('/tokeninfo')
})

test('a redirect is not followed', async () => {
  const other = await startServer(json({ trapped: true }))
  server.answer(status(302, { location: other.url }))
  expect(await failure(guarded().json(server.url))).toMatchObject({ kind: 'status', status: 302 })
  expect((await guarded().raw(server.url)).status).toBe(302)
  expect(other.hits()).toBe(0)
  await other.close()
})

test('a server that sends no headers, and one that sends a byte now and then, end at the time limit', async () => {
  server.answer(() => null)
  expect(await failure(guarded().json(server.url, { timeout: 100 }))).toMatchObject({ kind: 'timeout' })

  server.answer((_, response) => {
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  })
  const started = Date.now()
  expect(await failure(guarded().json(server.url, { timeout: 300 }))).toMatchObject({ kind: 'timeout' })
  expect(Date.now() - started).toBeLessThan(5_000)
})

test('60 MB are left unread after the limit, and the connection is closed', async () => {
  let sent = 0
  const closed = new Promise<void>((resolve) => {
    server.answer((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const more = (): void => {
        while (sent < 60_000_000 && response.write(chunk)) sent += chunk.length
      }
      response.on('drain', more)
      response.on('close', () => resolve())
      more()
    })
  })
  expect(await failure(guarded().json(server.url))).toMatchObject({ kind: 'too_large' })
  await closed
  expect(sent).toBeLessThan(10_000_000)
})

test('a small gzip body that unpacks to much is too large', async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  expect(bomb.length).toBeLessThan(256 * 1024)
  server.answer((_, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(bomb)
  })
  expect(await failure(guarded().text(server.url))).toMatchObject({ kind: 'too_large' })
})

test('a body of exactly the limit is read, one byte more is not', async () => {
  server.answer((_, response) => response.end('12345678'))
  expect((await guarded().text(server.url, { maxBytes: 8 })).body).toBe('12345678')
  expect(await failure(guarded().text(server.url, { maxBytes: 7 }))).toMatchObject({ kind: 'too_large' })
})

test('a closed port is a network failure', async () => {
  const gone = await startServer(json({}))
  await gone.close()
  expect(await failure(guarded().json(gone.url))).toMatchObject({ kind: 'network', status: null })
})

test('configured URLs are https, or http on this machine where private addresses are allowed', async () => {
  const open = guarded()
  const closed = guarded({ allowPrivate: false })
  for (const url of [
    'http://idp.example/',
    'ftp://idp.example/',
    'file:///etc/passwd',
    'https://user:pw@idp.example/',
    'nonsense',
  ])
    expect([open.permits(url), closed.permits(url)]).toEqual([false, false])
  expect([open.permits('https://idp.example/'), closed.permits('https://idp.example/')]).toEqual([true, true])
  for (const url of [
    'http://127.0.0.1:8080/',
    'http://localhost/',
    'http://[::1]:9/',
    'https://169.254.169.254/',
    'https://2130706433/',
  ])
    expect([open.permits(url), closed.permits(url)]).toEqual([true, false])
  expect(await failure(closed.json(server.url))).toMatchObject({ kind: 'refused' })
  expect(await failure(open.json('nonsense'))).toMatchObject({ kind: 'refused' })
})

test('a configured name that resolves to a private address is refused at the connection when private ones are not allowed', async () => {
  const before = server.hits()
  const closed = guarded({ allowPrivate: false })
  expect(await failure(closed.json(`https://localhost:${server.port}/`))).toMatchObject({ kind: 'refused' })
  expect(server.hits()).toBe(before)
})

test('D30: a URL that came in a request is https, port 443, a DNS name and nothing else, even where private addresses are allowed', async () => {
  const { dispatcherConnect, dialled } = dialHome()
  const guard = guarded({ allowPrivate: true, resolve: answering('93.184.216.34'), dispatcherConnect })
  for (const url of [
    'http://client.example/meta',
    'https://client.example:8443/meta',
    'https://93.184.216.34/meta',
    'https://[2606:2800:220:1::1]/meta',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://user@client.example/',
    'https://localhost/',
    `${server.url}/meta`,
  ])
    expect([url, (await failure(guard.json(url, { untrusted: true }))).kind]).toEqual([url, 'refused'])
  expect(dialled()).toBe(0)

  server.answer(json({ client_name: 'x' }))
  expect((await guard.json('https://client.example/meta', { untrusted: true })).body).toEqual({ client_name: 'x' })
  expect(dialled()).toBe(1)
})

test('D30: a URL that came in a request reaches no private address, whatever its name resolves to', async () => {
  const { dispatcherConnect, dialled } = dialHome()
  for (const addresses of [
    ['127.0.0.1'],
    ['10.1.2.3'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:10.0.0.1'],
    ['fd00::1'],
    ['64:ff9b::7f00:1'],
    ['93.184.216.34', '192.168.0.1'],
    [],
  ]) {
    const guard = guarded({ allowPrivate: true, resolve: answering(...addresses), dispatcherConnect })
    expect(await failure(guard.json('https://client.example/', { untrusted: true }))).toMatchObject({ kind: 'refused' })
  }
  expect(dialled()).toBe(0)
})

test('D30: a name that answers publicly first and privately later is judged at every connection', async () => {
  const { dispatcherConnect, dialled } = dialHome()
  let asked = 0
  const resolve: LookupFunction = (host, options, done) => {
    asked += 1
    answering(asked === 1 ? '93.184.216.34' : '127.0.0.1')(host, options, done)
  }
  const guard = guarded({ allowPrivate: true, resolve, dispatcherConnect })
  server.answer((_, response) => {
    response.setHeader('connection', 'close')
    response.end('{}')
  })
  await guard.json('https://client.example/', { untrusted: true })
  expect(await failure(guard.json('https://client.example/', { untrusted: true }))).toMatchObject({ kind: 'refused' })
  expect([asked, dialled()]).toEqual([2, 1])
})

test('D30: a URL that came in a request gives at most 10 KiB', async () => {
  const { dispatcherConnect } = dialHome()
  const guard = guarded({ resolve: answering('93.184.216.34'), dispatcherConnect })
  server.answer((_, response) => response.end(' '.repeat(10 * 1024 + 1)))
  expect(await failure(guard.text('https://client.example/', { untrusted: true }))).toMatchObject({ kind: 'too_large' })
})

test('raw looks like fetch: any status is an answer, the body is counted, and the guard holds', async () => {
  server.answer((_, response) => {
    response.writeHead(400, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
    response.end(gzipSync('{"error":"invalid_grant"}'))
  })
  const response = await guarded().raw(server.url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
  expect(response).toBeInstanceOf(Response)
  expect([response.status, response.headers.get('content-encoding'), await response.json()]).toEqual([
    400,
    null,
    { error: 'invalid_grant' },
  ])
  server.answer(status(204))
  expect((await guarded().raw(server.url)).status).toBe(204)
  expect(await failure(guarded({ allowPrivate: false }).raw(server.url))).toMatchObject({ kind: 'refused' })
})

test('raw ends when its caller gives up', async () => {
  server.answer(() => null)
  const gone = new AbortController()
  const asked = guarded().raw(server.url, { signal: gone.signal })
  gone.abort()
  expect(await failure(asked)).toMatchObject({ kind: 'network' })
})

test.each([
  ['8.8.8.8', true],
  ['2606:4700::1111', true],
  ['::ffff:8.8.8.8', true],
  ['0.0.0.0', false],
  ['100.64.0.1', false],
  ['172.31.255.255', false],
  ['172.32.0.1', true],
  ['192.0.2.1', false],
  ['255.255.255.255', false],
  ['::', false],
  ['::127.0.0.1', false],
  ['fe80::1', false],
  ['2002:7f00:1::', false],
  ['2001:db8::1', false],
  ['ff02::1', false],
  ['::ffff:7f00:1', false],
  ['idp.example', false],
])('the address %s is public: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected)
})

test('what is no URL is none also after a hundred thousand calls, where URL.canParse of Node 20 changes its mind', () => {
  const latin1 = `http://${Buffer.from('\u29c0').toString('latin1')}`
  const guard = guarded()
  for (let call = 0; call < 100_000; call += 1) {
    urlOf(`http://127.0.0.1:${call % 999}`)
    guard.permits(`http://127.0.0.1:${call % 999}`)
  }
  expect(urlOf(latin1)).toBeNull()
  expect(guard.permits(latin1)).toBe(false)
})
