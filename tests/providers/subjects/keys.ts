import { seconds } from '#base/clock.ts'
import { makeApiKey } from '#identity/api-key.ts'
import type { ApiKeyRecord } from '#identity/api-key.ts'
import { createSigningKeys } from '#login/signing-key.ts'
import { configs, MCP_URL, type Gate } from '../support.ts'
import { asksNobody, type Subject } from './subject.ts'

const apiKey =
  (change: (now: number) => Partial<ApiKeyRecord> | 'unknown' = () => ({})) =>
  ({ clock, open }: Gate) => {
    const { key, ...made } = makeApiKey()
    const changed = change(clock.now())
    const fresh = {
      ...made,
      tenant: 'acme',
      name: 'ci',
      scopes: ['todos:read'],
      cidrs: [],
      expires_at: null,
      revoked_at: null,
    }
    const record = changed === 'unknown' ? null : { ...fresh, ...changed }
    return { enter: open({}, { keyLookup: async () => record }), token: key }
  }

const OURS = { publicUrl: 'https://gatehouse.test', sessionSecrets: ['s'.repeat(40)], signingKey: null }

/** A token that our own signing key signed for an API key. */
const serviceToken =
  (change: (now: number) => Partial<ApiKeyRecord> | 'unknown' = () => ({}), signer = OURS) =>
  async (gate: Gate) => {
    const { id } = makeApiKey()
    const { keySet } = await createSigningKeys(OURS)
    const now = seconds(gate.clock)
    const claims = {
      iss: OURS.publicUrl,
      aud: MCP_URL,
      sub: `key:${id}`,
      client_id: id,
      tenant: 'acme',
      scope: 'todos:read',
    }
    const token = await (await createSigningKeys(signer)).sign({ ...claims, iat: now, exp: now + 900 }, 'at+jwt')
    const changed = change(gate.clock.now())
    const fresh = {
      id,
      tenant: 'acme',
      name: 'ci',
      digest: Buffer.alloc(32),
      scopes: ['todos:read'],
      cidrs: [],
      expires_at: null,
    }
    const record = changed === 'unknown' ? null : { ...fresh, revoked_at: null, ...changed }
    const serviceTokens = { issuer: OURS.publicUrl, keys: keySet }
    return { enter: gate.open({}, { keyLookup: async () => record, serviceTokens }), token }
  }

const staticKey =
  (token: string = configs.staticKey.key) =>
  ({ open }: Gate) => ({ enter: open({ staticKey: configs.staticKey }), token })

export const keySubjects: Readonly<Record<string, Subject>> = {
  'api key': {
    file: 'api-key.ts',
    cases: {
      good: { scene: apiKey(), ends: 'accepted', hits: {} },
      "another app's": { scene: apiKey(() => 'unknown'), ends: 'key_unknown 401', hits: {} },
      expired: { scene: apiKey((now) => ({ expires_at: now - 1 })), ends: 'key_expired 401', hits: {} },
      revoked: { scene: apiKey((now) => ({ revoked_at: now - 1 })), ends: 'key_revoked 401', hits: {} },
      ...asksNobody(apiKey()),
    },
  },
  'service token': {
    file: 'service-token.ts',
    cases: {
      good: { scene: serviceToken(), ends: 'accepted', hits: {} },
      "another app's": {
        scene: serviceToken(undefined, { ...OURS, sessionSecrets: ['t'.repeat(40)] }),
        ends: 'key_unknown 401',
        hits: {},
      },
      expired: {
        async scene(gate) {
          const made = await serviceToken()(gate)
          gate.clock.advance(931_000)
          return made
        },
        ends: 'token_expired 401',
        hits: {},
      },
      revoked: { scene: serviceToken((now) => ({ revoked_at: now - 1 })), ends: 'key_revoked 401', hits: {} },
      ...asksNobody(serviceToken()),
    },
  },
  'static key': {
    file: 'static-key.ts',
    cases: {
      good: { scene: staticKey(), ends: 'accepted', hits: {} },
      "another app's": {
        scene: staticKey('a-static-key-of-some-other-server-altogether'),
        ends: 'issuer_unknown 401',
        hits: {},
      },
      expired: {
        instead: 'it has no end; after a year it is as good as on its first day',
        scene(gate) {
          gate.clock.advance(365 * 24 * 3_600_000)
          return staticKey()(gate)
        },
        ends: 'accepted',
        hits: {},
      },
      revoked: {
        instead: 'it is taken back by taking it out of the configuration',
        scene: ({ open }) => ({ enter: open({}), token: configs.staticKey.key }),
        ends: 'issuer_unknown 401',
        hits: {},
      },
      ...asksNobody(staticKey()),
    },
  },
}
