import { expect, test } from 'vitest'
import { isWithin } from '#providers/network.ts'

test.each([
  ['192.0.2.7', ['192.0.2.7'], true],
  ['192.0.2.7', ['192.0.2.0/24'], true],
  ['192.0.3.7', ['192.0.2.0/24'], false],
  ['192.0.2.7', ['0.0.0.0/0'], true],
  ['192.0.2.7', ['::/0'], false],
  ['::1', ['0.0.0.0/0'], false],
  ['::ffff:192.0.2.7', ['192.0.2.0/24'], true],
  ['2001:db8:0:0::1', ['2001:db8::/64'], true],
  ['2001:db9::1', ['2001:db8::/32'], false],
  ['10.0.0.1', ['192.0.2.0/24', '10.0.0.0/8'], true],
  [null, ['0.0.0.0/0', '::/0'], false],
  ['', ['0.0.0.0/0'], false],
  ['10.0.0.1, 192.0.2.7', ['0.0.0.0/0'], false],
  ['10.0.0.1', [], false],
])('%s in %j: %s', (ip, cidrs, within) => {
  expect(isWithin(ip, cidrs)).toBe(within)
})

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/x', '::/129', 'all', '', '10.0.0'])(
  'a network that cannot be read (%s) holds nobody',
  (cidr) => {
    expect(isWithin('10.0.0.1', [cidr])).toBe(false)
    expect(isWithin('10.0.0.1', [cidr, '10.0.0.1'])).toBe(true)
  },
)
