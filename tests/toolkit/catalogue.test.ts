import { describe, expect, test } from 'vitest'
import { ALL_ON, NO_LIMITS, type Tenant } from '#tenancy/tenant.ts'
import { createCatalogue } from '#toolkit/catalogue.ts'
import { builtIn, principalOf } from './desk.ts'

const tools = await builtIn()
const catalogue = createCatalogue(tools)
const tenant: Tenant = {
  id: 't',
  slug: 'acme',
  name: 'Acme',
  schema: 'tenant_acme',
  status: 'active',
  placement: 'default',
  schemaVersion: 1,
  mcpAdmin: false,
  deleteAfter: null,
  plan: null,
  limits: NO_LIMITS,
  toolsOff: ALL_ON,
}
const owner = principalOf(tenant, 'owner', catalogue.scopes)

test('the tools, their scopes and what they say about themselves', () => {
  const shown = catalogue.visible(owner).map(({ name, annotations }) => {
    const hints = [
      annotations?.readOnlyHint === true ? 'reads' : 'writes',
      ...(annotations?.destructiveHint === true ? ['destructive'] : []),
      ...(annotations?.idempotentHint === true ? ['idempotent'] : []),
      ...(annotations?.openWorldHint === true ? ['open world'] : []),
    ]
    return `${name} [${tools.get(name)?.scopes.join(' ')}] ${hints.join(' ')}`
  })
  expect(shown).toEqual([
    'complete_todo [todos:write] writes idempotent',
    'create_document [documents:write] writes',
    'create_project [projects:write] writes',
    'create_todo [todos:write] writes',
    'delete_document [documents:write] writes destructive idempotent',
    'delete_project [projects:write] writes destructive idempotent',
    'delete_todo [todos:write] writes destructive idempotent',
    'get_document [documents:read] reads idempotent',
    'get_project [projects:read] reads idempotent',
    'get_todo [todos:read] reads idempotent',
    'list_document_versions [documents:read] reads idempotent',
    'list_documents [documents:read] reads idempotent',
    'list_projects [projects:read] reads idempotent',
    'list_todos [todos:read] reads idempotent',
    'read_audit_log [audit:read] reads idempotent',
    'restore_document [documents:write] writes',
    'search_documents [documents:read] reads idempotent',
    'update_document [documents:write] writes destructive idempotent',
    'update_project [projects:write] writes destructive idempotent',
    'update_todo [todos:write] writes destructive idempotent',
    'whoami [] reads idempotent',
  ])
})

test.each([...catalogue.visible(owner)])(
  '$name has a described, closed input and an output schema, without long patterns',
  (tool) => {
    expect(tool.description?.length).toBeGreaterThan(30)
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
    expect(tool.outputSchema).toMatchObject({ type: 'object', additionalProperties: false })
    expect(JSON.stringify(tool)).not.toContain('"pattern"')
    const undescribed = Object.entries(tool.inputSchema.properties ?? {}).filter(
      ([, argument]) => !('description' in (argument as object)),
    )
    expect(undescribed).toEqual([])
  },
)

test('the list is made once, not per request', () => {
  expect(catalogue.visible(owner)).toBe(catalogue.visible({ ...owner }))
})

test('names of object members are no tools', () => {
  for (const name of ['constructor', '__proto__', 'toString', ''])
    expect(catalogue.requiredScopes(owner, name)).toBeNull()
})

test('the scopes of all tools, for metadata and roles', () => {
  expect(catalogue.scopes).toEqual([
    'audit:read',
    'documents:read',
    'documents:write',
    'projects:read',
    'projects:write',
    'todos:read',
    'todos:write',
  ])
})

describe('D12: who sees what', () => {
  test('D12: a tool whose scope the role lacks is not listed and has no scopes to tell', () => {
    const viewer = principalOf(tenant, 'viewer', catalogue.scopes)
    const names = catalogue.visible(viewer).map(({ name }) => name)
    expect(names).toEqual([
      'get_document',
      'get_project',
      'get_todo',
      'list_document_versions',
      'list_documents',
      'list_projects',
      'list_todos',
      'search_documents',
      'whoami',
    ])
    expect(catalogue.requiredScopes(viewer, 'create_project')).toBeNull()
    expect(catalogue.requiredScopes(viewer, 'read_audit_log')).toBeNull()
  })

  test('D12: a tool whose scope only the token lacks is listed, and its scopes are told for the challenge', () => {
    const narrow = { ...owner, scopes: new Set(['projects:read']) }
    expect(catalogue.visible(narrow)).toHaveLength(21)
    expect(catalogue.requiredScopes(narrow, 'create_project')).toEqual(['projects:write'])
    expect(catalogue.requiredScopes(narrow, 'whoami')).toEqual([])
  })
})

test('what a tenant has switched off is in no list, has no cost and no scopes; the list is made once for all who lack the same', () => {
  const without = (...names: readonly string[]) =>
    principalOf({ ...tenant, toolsOff: new Set(names) }, 'owner', catalogue.scopes)
  // As tenancy has it, people of one role share their set of scopes.
  const { role_scopes } = owner
  const [ann, ben] = [without('whoami', 'delete_todo', 'of_yore'), without('delete_todo', 'whoami')].map((who) => ({
    ...who,
    role_scopes,
  }))
  if (ann === undefined || ben === undefined) throw new Error('nobody')
  const list = catalogue.visible(ann)
  const names = catalogue.visible(owner).map(({ name }) => name)
  expect(list.map(({ name }) => name)).toEqual(names.filter((name) => name !== 'whoami' && name !== 'delete_todo'))
  // The lane keeps its text with the list: another list of the same would be another text.
  expect(catalogue.visible(ann)).toBe(list)
  expect(catalogue.visible(ben)).toBe(list)
  expect(catalogue.visible({ ...without('of_yore'), role_scopes })).toBe(catalogue.visible(owner))
  expect(catalogue.requiredScopes(ann, 'delete_todo')).toBeNull()
  expect(catalogue.requiredScopes(ann, 'list_todos')).toEqual(['todos:read'])
  expect(catalogue.requiredScopes(owner, 'delete_todo')).toEqual(['todos:write'])
})
