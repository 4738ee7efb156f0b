import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import { createLog } from '#base/log.ts'
import { createGatehouse } from '#http/gatehouse.ts'
import { freePort } from '../support/gatehouse.ts'
import { fillDataDir } from '../support/database.ts'

test('a server that cannot be made lets go of the embedded database', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  await fillDataDir(dataDir)
  const env = { PORT: String(await freePort()), DATA_DIR: dataDir }
  const config = ensureSessionSecret(loadConfig(env))
  const entra = { ...config, providers: { ...config.providers, oidc: [unusable] } }
  await expect(createGatehouse(entra, { log: createLog('silent') })).rejects.toThrow(ConfigError)
  expect(existsSync(join(dataDir, 'db.lock'))).toBe(false)
  expect(existsSync(join(dataDir, 'db'))).toBe(true)
  await rm(dataDir, { recursive: true })
})

const unusable = {
  id: 'entra',
  issuer: 'https://login.microsoftonline.com/common/v2.0',
  audience: ['api://x'],
  login: null,
  tokenUse: 'any',
  carriesScopes: false,
  domains: [],
  tenant: null,
  organizationClaim: null,
  tenantIds: [],
  introspection: null,
  algorithms: ['RS256'],
} as const
