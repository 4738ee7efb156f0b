// For processes that tests start (`node --import`): no name but this machine's own is looked up, so that nothing reaches beyond it.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const { lookup } = dns
dns.lookup = (host, options, done) => {
  const answer = typeof options === 'function' ? options : done
  if (/^(?:localhost|127\.0\.0\.1|::1)$/.test(host)) lookup(host, options, done)
  else process.nextTick(answer, Object.assign(new Error(`no name is looked up: ${host}`), { code: 'ENOTFOUND' }))
}
syncBuiltinESMExports()
