import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'

const read = (value: string): readonly string[] => loadConfig({ DNS_SERVERS: value }, { cwd: '/' }).dnsServers

test('DNS_SERVERS is a list of addresses, perhaps with a port; without it those of the machine are asked', () => {
  expect(loadConfig({}, { cwd: '/' }).dnsServers).toEqual([])
  expect(read('192.0.2.53, 192.0.2.54:5353,2001:db8::53,[2001:db8::53]:5353')).toEqual([
    '192.0.2.53',
    '192.0.2.54:5353',
    '2001:db8::53',
    '[2001:db8::53]:5353',
  ])
})

test.each([
  'dns.example.com',
  'https://192.0.2.53',
  '192.0.2.53:0',
  '192.0.2.53:65536',
  '192.0.2.53:',
  '192.0.2.999',
  '[192.0.2.53]:53',
  '[2001:db8::53',
])('DNS_SERVERS=%s stops the boot', (value) => {
  expect(() => read(value)).toThrow(ConfigError)
})
