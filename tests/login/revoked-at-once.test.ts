import { expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { systemClock } from '#base/clock.ts'
import { createRegistryDoor } from '#http/registry-door.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import { startGatehouse } from '../support/gatehouse.ts'
import { person, scopes } from '../tenancy/support.ts'

test('D22: the process that took the revocation refuses the token from its answer on, however late the word of it comes', async () => {
  const server = await startGatehouse({ kind: 'postgres' })
  const { database } = server.database
  const door = createRegistryDoor({
    // The change is written, and nobody is told.
    database: { ...database, announce: async () => {} },
    config: server.config,
    clock: systemClock,
    log: createLog('silent'),
    scopes,
    secret: server.config.sessionSecrets[0] ?? '',
    seeds: [],
  })
  try {
    await door.start()
    const identity = person('alice@acme.test')
    const digest = revocationDigest('a token of alice')
    const asked = { slug: null, ip: null, tokenDigest: digest }
    expect((await door.principal(identity, asked)).identity.sub).toBe('alice@acme.test')
    await door.revokeToken({ identity, digest, until: null }, { ip: null, requestId: 'r' })
    await expect(door.principal(identity, asked)).rejects.toMatchObject({ code: 'token_revoked' })
  } finally {
    await door.close()
    await server.close()
  }
})
