import { expect } from 'vitest'
import { makeApiKey } from '#identity/api-key.ts'
import { gatehouse } from '../../support/command.ts'
import { presented, says, type Row } from '../answers.ts'
import { withSecretOf } from '../world.ts'

/** security.md 3f: our own keys. */
export const keys: readonly Row[] = [
  presented('K1', 'a right key', 'served', async (world) => (await world.key()).key, {
    also: says('"provider":"api-key"'),
  }),
  presented('K1', 'an unknown id', 'A1', () => makeApiKey().key),
  presented('K1', 'a wrong secret', 'A1', async (world) => withSecretOf((await world.key()).key)),
  presented('K1', 'the secret of another key', 'A1', async (world) =>
    withSecretOf((await world.key()).key, (await world.key()).key),
  ),
  ...[
    ['only the prefix', 'gh_key_'],
    ['no secret', 'gh_key_AAAAAAAAAAAA'],
    ['an empty secret', 'gh_key_AAAAAAAAAAAA__00000000'],
    ['a short secret', 'gh_key_AAAAAAAAAAAA_BBBB_00000000'],
    ['a long secret', `gh_key_AAAAAAAAAAAA_${'B'.repeat(4_000)}_00000000`],
    ['a wrong checksum', `gh_key_AAAAAAAAAAAA_${'B'.repeat(43)}_00000000`],
    ['an id with SQL', 'gh_key_A.OR.1=1--_BBBB_00000000'.replaceAll('=', '')],
  ].map(([what, key]) => presented('K2', what ?? '', 'A1', () => key ?? '')),
  presented('K2', 'a key cut off', 'A1', async (world) => (await world.key()).key.slice(0, -1)),
  presented('K2', 'a key with a character more', 'A1', async (world) => `${(await world.key()).key}0`),
  presented('K2', 'a key in another case', 'A1', async (world) =>
    (await world.key()).key.toUpperCase().replace('GH_KEY_', 'gh_key_'),
  ),
  {
    id: 'K2',
    what: 'a key with bytes over 127',
    answer: 'A2',
    send: async (world) => await world.rawCall(['Authorization: Bearer gh_key_\u00e9\u00e9']),
  },
  {
    id: 'K3',
    what: 'a key in the query',
    answer: 'A0',
    send: async (world) => await world.rawCall([], `POST /mcp?api_key=${(await world.key()).key}`),
  },
  {
    id: 'K3',
    what: 'a key in the query as access_token',
    answer: 'A0',
    send: async (world) => await world.rawCall([], `POST /mcp?access_token=${(await world.key()).key}`),
  },
  {
    id: 'K4',
    what: 'a revoked key, as soon as the word is round',
    answer: 'A1',
    send: async (world) => {
      const { id, key } = await world.key()
      expect((await world.call(key)).status).toBe(200)
      expect(await gatehouse(world.server, `key revoke acme ${id} --yes`)).toMatchObject({ exit: 0 })
      const deadline = Date.now() + 5_000
      for (;;) {
        const answer = await world.call(key)
        if (answer.status !== 200 || Date.now() > deadline) return answer
      }
    },
  },
  presented('K4', 'a key of another network', 'A1', async (world) => (await world.key('--cidr', '10.0.0.0/8')).key),
  {
    id: 'K5',
    what: 'the eleventh wrong secret in a minute',
    answer: 'limited',
    send: async (world) => {
      const { key } = await world.key()
      const wrong = withSecretOf(key)
      const call = async (token: string): Promise<Response> =>
        await fetch(world.limited.mcp, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            authorization: `Bearer ${token}`,
          },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
        })
      for (let i = 0; i < 10; i += 1) expect((await call(wrong)).status).toBe(401)
      const answer = await call(wrong)
      // D23: whoever holds the right secret is not shut out by whoever guesses.
      expect((await call(key)).status).toBe(200)
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    },
  },
  {
    id: 'K6',
    what: 'X-API-Key alone',
    answer: 'A0',
    send: async (world) => await world.rawCall([`X-API-Key: ${(await world.key()).key}`]),
  },
  {
    id: 'K6',
    what: 'a key as Basic',
    answer: 'A0',
    send: async (world) =>
      await world.rawCall([`Authorization: Basic ${Buffer.from(`key:${(await world.key()).key}`).toString('base64')}`]),
  },
]
