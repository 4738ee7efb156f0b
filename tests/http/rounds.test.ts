import { describe, expect, test } from 'vitest'
import { createChanges } from '#toolkit/changes.ts'
import { createLibrary } from '#toolkit/library.ts'
import type { Resource } from '#toolkit/resource.ts'
import type { Runner } from '#toolkit/run.ts'
import { tenantBus } from '#http/mcp-listen.ts'
import { createQuestions } from '#http/mcp-rounds.ts'
import { identity, principal, rpc, startApp } from './support.ts'

describe('a question to a client of the 2025 revisions', () => {
  const open = () => {
    const questions = createQuestions()
    const end = new AbortController()
    let id = ''
    const answer = questions.ask(principal, end.signal, async (given) => void (id = given))
    return { questions, end, answer, id: () => id }
  }

  test('is answered by the one who was asked, once', async () => {
    const { questions, answer, id } = open()
    const message = { jsonrpc: '2.0', id: id(), result: { action: 'accept' } }
    for (const other of [
      { ...principal, identity: { ...identity, sub: 'bob' } },
      { ...principal, identity: { ...identity, iss: 'https://elsewhere.test' } },
      { ...principal, identity: { ...identity, key: { id: 'key-1', tenant: principal.tenant.id } } },
      { ...principal, tenant: { ...principal.tenant, id: 'another' } },
    ])
      expect(questions.deliver(other, message)).toBe(false)
    expect(questions.deliver(principal, { ...message, id: 'guessed' })).toBe(false)
    expect(questions.deliver(principal, message)).toBe(true)
    expect(await answer).toEqual({ action: 'accept' })
    expect(questions.deliver(principal, message)).toBe(false)
  })

  test('ends when the client refuses, or is gone', async () => {
    const refused = open()
    refused.questions.deliver(principal, { jsonrpc: '2.0', id: refused.id(), error: { code: -32601, message: 'no' } })
    await expect(refused.answer).rejects.toThrow('could not answer')
    const gone = open()
    gone.end.abort()
    await expect(gone.answer).rejects.toThrow('not answered in time')
    expect(gone.questions.deliver(principal, { jsonrpc: '2.0', id: gone.id(), result: {} })).toBe(false)
  })

  test('one person cannot have more than 20 open', async () => {
    const questions = createQuestions()
    const end = new AbortController()
    const asked = Array.from({ length: 20 }, async () => await questions.ask(principal, end.signal, async () => {}))
    await expect(questions.ask(principal, end.signal, async () => {})).rejects.toThrow('Too many questions')
    end.abort()
    expect((await Promise.allSettled(asked)).every(({ status }) => status === 'rejected')).toBe(true)
  })
})

test('news of changes stay in their tenant, and of resources go to those who may read them', () => {
  const changes = createChanges()
  const secret: Resource = {
    name: 'secret',
    uri: 'x://secret',
    title: 'T',
    description: 'D',
    scopes: ['tenant:admin'],
    access: 'none',
    read: async () => null,
  }
  const resources = new Map<string, Resource>([
    ['secret', secret],
    ['open', { ...secret, name: 'open', uri: 'x://open', scopes: [] }],
  ])
  const library = createLibrary({ resources, prompts: new Map(), runner: {} as Runner })
  const heard: unknown[] = []
  const stop = tenantBus(principal, changes, library, {}).subscribe((event) => heard.push(event))
  changes.publish('another', 'tools')
  changes.publish('another', { resource: 'x://open' })
  changes.publish(principal.tenant.id, 'prompts')
  changes.publish(principal.tenant.id, { resource: 'x://secret' })
  changes.publish(principal.tenant.id, { resource: 'x://open' })
  stop()
  changes.publish(principal.tenant.id, 'tools')
  expect(heard).toEqual([{ kind: 'prompts_list_changed' }, { kind: 'resource_updated', uri: 'x://open' }])
})

test('an answer that no call waits for is not accepted', async () => {
  const { url } = await startApp()
  const answer = await rpc(`${url}/mcp`, { jsonrpc: '2.0', id: 'nobody-asked', result: { action: 'accept' } })
  expect(answer.status).toBe(400)
})
