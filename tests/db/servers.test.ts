import { expect, test } from 'vitest'
import { nodeOf, replicaOf, serverOf, urlAt } from '#db/servers.ts'

test('a name tells its server: a placement, its replica, or a node of a cluster', () => {
  const node = { host: 'w1.example', port: 5433 }
  expect(serverOf('eu')).toEqual({ placement: 'eu', replica: false, node: null })
  expect(serverOf(replicaOf('eu'))).toEqual({ placement: 'eu', replica: true, node: null })
  expect(serverOf(nodeOf('default', node))).toEqual({ placement: 'default', replica: false, node })
  const folder = { host: '/run/a@b/replica', port: 1 }
  expect(serverOf(nodeOf('default', folder))).toEqual({ placement: 'default', replica: false, node: folder })
})

test.each([
  [
    'postgres://u:p@c.example:5432/db?sslmode=require',
    { host: 'w1', port: 6 },
    'postgres://u:p@w1:6/db?sslmode=require',
  ],
  ['postgres://u:p@c.example/db', { host: '10.0.0.2', port: 5432 }, 'postgres://u:p@10.0.0.2:5432/db'],
  ['postgres://u:p@c.example/db', { host: 'fd00::2', port: 5432 }, 'postgres://u:p@[fd00::2]:5432/db'],
  [
    'postgres://u@localhost:1/db?host=%2Frun%2Fa',
    { host: '/run/b', port: 2 },
    'postgres://u@localhost:2/db?host=%2Frun%2Fb',
  ],
  ['postgres://u@localhost:1/db?host=%2Frun%2Fa', { host: 'w1', port: 2 }, 'postgres://u@w1:2/db'],
])('%s at a node keeps all but the address', (url, node, expected) => {
  expect(urlAt(url, node)).toBe(expected)
})
