import net from 'node:net'

/** Tests reach this machine only: a connection to anything but loopback or a socket file is an error that says where it was going. */
const original = net.Socket.prototype.connect
const loopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.') || host === '::ffff:127.0.0.1'

net.Socket.prototype.connect = function connect(this: net.Socket, ...args: unknown[]) {
  const [first] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  const options = (
    typeof first === 'object' && first !== null
      ? first
      : { port: first, host: typeof args[1] === 'string' ? args[1] : 'localhost' }
  ) as { path?: string; host?: string }
  if (options.path === undefined && typeof first !== 'string' && !loopback(options.host ?? 'localhost')) {
    queueMicrotask(() =>
      this.destroy(Object.assign(new Error(`tests may not reach ${options.host}`), { code: 'ENETREFUSED' })),
    )
    return this
  }
  return Reflect.apply(original, this, args) as net.Socket
}
