import { createHash } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { browser } from '../http/browser.ts'
import { startCompanyIssuer } from './company-issuer.ts'

test('the company issuer signs a person in for its one client, with ID token and refresh token', async () => {
  const company = await startCompanyIssuer({ publicUrl: 'http://127.0.0.1:39999' })
  onTestFinished(async () => await company.close())
  const verifier = 'v'.repeat(43)
  const url = new URL(`${company.issuer}/auth`)
  const redirect_uri = 'http://127.0.0.1:39999/oauth/callback/oidc'
  url.search = new URLSearchParams({
    client_id: company.clientId,
    response_type: 'code',
    redirect_uri,
    scope: 'openid email offline_access',
    prompt: 'consent',
    nonce: 'n',
    state: 's',
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  }).toString()
  const back = await browser(company.issuer).signIn(url, 'alice')
  const answer = await fetch(`${company.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${company.clientId}:${company.clientSecret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri,
      code_verifier: verifier,
    }),
  })
  expect(await answer.json()).toMatchObject({ id_token: expect.any(String), refresh_token: expect.any(String) })
  expect(company.tokenRequests()).toBe(1)
})
