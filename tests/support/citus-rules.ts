/**
 * What tenant SQL must not hold so that it runs on a Citus cluster as it stands (schema-based sharding; what was seen on a real one).
 * Reads the tree that Postgres' own parser makes, so that neither comments nor layout can hide anything.
 */
import { loadModule, parseSync } from 'libpg-query'

export interface Breach {
  readonly rule: string
  /** From 1, within its file. */
  readonly statement: number
  /** What is wrong, with the name of the thing. */
  readonly what: string
}

/** Every rule by its name, and why it is one. */
export const CITUS_RULES = {
  'primary-key': 'citus_schema_move needs one on every table; one table without it stops rebalancing too',
  'no-trigger': 'refused on tables of a distributed schema',
  'no-deferred-constraint': 'refused there',
  'no-key-outside-the-schema': 'two tenants, or a tenant and the registry, may live on different nodes',
  'no-merge-from-values': 'refused there',
  'no-check-or-identity-in-add-column': 'refused: add the column, then the constraint as NOT VALID, then VALIDATE',
  'no-serial-or-identity': 'identities made on workers start at 2^48: keys are uuid',
  'no-create-table-as': 'refused there, as SELECT INTO and CREATE TABLE OF',
  'no-schema-in-a-migration': 'a schema with its tables in one statement is refused; the runner makes the schema',
  'no-set-schema': 'a table of a distributed schema cannot change it',
  'names-unqualified': 'the schema is the tenant: only ext and pg_catalog may be named',
  'notify-and-locks-alone': 'pg_notify and advisory locks are statements of their own',
  'no-change-of-role': 'one role for each transaction on a tenant',
  'no-transaction-control': 'the runner has the transaction',
  'nothing-hidden': 'DO and procedures would hide statements from these rules, and are several in one message',
} as const

export type CitusRule = keyof typeof CITUS_RULES

type Tree = { readonly [key: string]: unknown }
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
const treeOf = (value: unknown): Tree => (isTree(value) ? value : {})
const listOf = (value: unknown): readonly Tree[] => (Array.isArray(value) ? value.filter(isTree) : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Every node beneath, with the name of what it is. */
function* nodes(value: unknown, name = ''): Generator<readonly [string, Tree]> {
  if (Array.isArray(value)) for (const each of value) yield* nodes(each, name)
  if (!isTree(value)) return
  yield [name, value]
  for (const [key, below] of Object.entries(value)) yield* nodes(below, key)
}

const dotted = (names: unknown): string =>
  listOf(names)
    .map((each) => textOf(treeOf(each['String'])['sval']))
    .join('.')

const FREE_SCHEMAS = new Set(['', 'ext', 'pg_catalog'])
const ALONE = /^(?:pg_catalog\.)?(?:pg_notify|pg_(?:try_)?advisory_\w+)$/
const COUNTING = /(?:^|\.)(?:small|big)?serial[248]?$/

export interface Tables {
  /** Made by this file or one before it. */
  readonly made: Set<string>
}

/** The breaches of one file. `tables` carries what earlier files made; this file's are added. Throws what the parser throws. */
export async function citusBreaches(text: string, tables: Tables = { made: new Set() }): Promise<readonly Breach[]> {
  await loadModule()
  const breaches: Breach[] = []
  /** Tables of this file that still lack a key, by name. */
  const keyless = new Map<string, number>()
  const statements = listOf(treeOf(parseSync(text))['stmts'])
  for (const [index, { stmt }] of statements.entries()) {
    const at = index + 1
    const breach = (rule: CitusRule, what: string): void => void breaches.push({ rule, statement: at, what })
    const [kind = '', body] = Object.entries(treeOf(stmt))[0] ?? []
    checkStatement(kind, treeOf(body), breach)
    for (const [name, node] of nodes(stmt)) checkNode(name, node, tables, kind, breach)
    keepKeys(kind, treeOf(body), { at, keyless, tables, breach })
  }
  for (const [table, statement] of keyless) breaches.push({ rule: 'primary-key', statement, what: table })
  return breaches
}

type Tell = (rule: CitusRule, what: string) => void

function checkStatement(kind: string, body: Tree, breach: Tell): void {
  if (kind === 'CreateTrigStmt' || kind === 'CreateEventTrigStmt' || kind === 'RuleStmt')
    breach('no-trigger', textOf(body['trigname']) || textOf(body['rulename']) || kind)
  if (kind === 'CreateTableAsStmt') breach('no-create-table-as', 'CREATE TABLE AS')
  if (kind === 'CreateSchemaStmt') breach('no-schema-in-a-migration', textOf(body['schemaname']))
  if (kind === 'AlterObjectSchemaStmt') breach('no-set-schema', textOf(body['newschema']))
  if (kind === 'TransactionStmt') breach('no-transaction-control', textOf(body['kind']))
  if (kind === 'DoStmt' || kind === 'CallStmt') breach('nothing-hidden', kind === 'DoStmt' ? 'DO' : 'CALL')
  if (kind === 'VariableSetStmt' && /^(role|session_authorization|search_path)$/.test(textOf(body['name'])))
    breach('no-change-of-role', textOf(body['name']))
  if (kind === 'MergeStmt' && [...nodes(body['sourceRelation'])].some(([, node]) => node['valuesLists'] !== undefined))
    breach('no-merge-from-values', 'MERGE')
  if (kind === 'CreateSeqStmt') breach('no-serial-or-identity', 'CREATE SEQUENCE')
  if (!isLoneCall(kind, body)) {
    for (const [name, node] of nodes(body)) {
      const called = name === 'FuncCall' ? dotted(node['funcname']) : ''
      if (ALONE.test(called)) breach('notify-and-locks-alone', called)
    }
  }
}

/** `SELECT pg_notify(...)` and nothing else. */
function isLoneCall(kind: string, body: Tree): boolean {
  if (kind !== 'SelectStmt' || listOf(body['targetList']).length !== 1) return false
  if (['fromClause', 'whereClause', 'withClause', 'valuesLists', 'op'].some((part) => partOf(body, part))) return false
  const called = treeOf(treeOf(treeOf(listOf(body['targetList'])[0])['ResTarget'])['val'])['FuncCall']
  return called !== undefined && ![...nodes(treeOf(called)['args'])].some(([name]) => name === 'SubLink')
}

const partOf = (body: Tree, part: string): boolean => body[part] !== undefined && body[part] !== 'SETOP_NONE'

function checkNode(name: string, node: Tree, { made }: Tables, kind: string, breach: Tell): void {
  if (name === 'Constraint') {
    const type = textOf(node['contype'])
    if (type.startsWith('CONSTR_ATTR_DEFER') || node['deferrable'] === true || node['initdeferred'] === true)
      breach('no-deferred-constraint', textOf(node['conname']) || type)
    if (type === 'CONSTR_IDENTITY') breach('no-serial-or-identity', 'GENERATED AS IDENTITY')
    if (type === 'CONSTR_FOREIGN') {
      const { schemaname, relname } = treeOf(node['pktable'])
      const target = textOf(relname)
      if (textOf(schemaname) !== '') breach('no-key-outside-the-schema', `${textOf(schemaname)}.${target}`)
      else if (!made.has(target) && kind !== 'CreateStmt') breach('no-key-outside-the-schema', target)
    }
  }
  if (name === 'ColumnDef' && COUNTING.test(dotted(treeOf(node['typeName'])['names'])))
    breach('no-serial-or-identity', textOf(node['colname']))
  if (name === 'FuncCall' && /(?:^|\.)nextval$/.test(dotted(node['funcname'])))
    breach('no-serial-or-identity', 'nextval')
  if (name === 'AlterTableCmd' && node['subtype'] === 'AT_AddColumn') {
    const column = treeOf(treeOf(node['def'])['ColumnDef'])
    for (const each of listOf(column['constraints'])) {
      const type = textOf(treeOf(each['Constraint'])['contype'])
      if (type === 'CONSTR_CHECK' || type === 'CONSTR_IDENTITY')
        breach('no-check-or-identity-in-add-column', textOf(column['colname']))
    }
  }
  if (name === 'AlterTableCmd' && node['subtype'] === 'AT_AddIdentity')
    breach('no-serial-or-identity', textOf(node['name']))
  if (name === 'AlterTableCmd' && node['subtype'] === 'AT_DropConstraint' && textOf(node['name']).endsWith('_pkey'))
    breach('primary-key', `${textOf(node['name'])} is dropped`)
  if (name === 'intoClause' && kind !== 'CreateTableAsStmt') breach('no-create-table-as', 'SELECT INTO')
  if (node['ofTypename'] !== undefined) breach('no-create-table-as', 'CREATE TABLE OF')
  if (node['relname'] !== undefined && !FREE_SCHEMAS.has(textOf(node['schemaname'])) && name !== 'pktable')
    breach('names-unqualified', `${textOf(node['schemaname'])}.${textOf(node['relname'])}`)
}

interface Keys {
  readonly at: number
  readonly keyless: Map<string, number>
  readonly tables: Tables
  readonly breach: Tell
}

function keepKeys(kind: string, body: Tree, { at, keyless, tables, breach }: Keys): void {
  if (kind === 'CreateStmt') {
    const table = textOf(treeOf(body['relation'])['relname'])
    tables.made.add(table)
    for (const [name, node] of nodes(body['tableElts'])) {
      if (name !== 'Constraint' || node['contype'] !== 'CONSTR_FOREIGN') continue
      const { schemaname, relname } = treeOf(node['pktable'])
      if (textOf(schemaname) === '' && !tables.made.has(textOf(relname)))
        breach('no-key-outside-the-schema', textOf(relname))
    }
    // A partition has its parent's.
    if (body['partbound'] === undefined && !hasKey(body['tableElts'])) keyless.set(table, at)
  }
  if (kind === 'AlterTableStmt' && hasKey(body['cmds'])) keyless.delete(textOf(treeOf(body['relation'])['relname']))
}

const hasKey = (elements: unknown): boolean =>
  [...nodes(elements)].some(([name, node]) => name === 'Constraint' && node['contype'] === 'CONSTR_PRIMARY')
