import type { z } from 'zod'
import type { Clock } from '#base/clock.ts'
import type { Archive } from '#tenancy/archive/archive.ts'
import type { Precondition } from '#tenancy/precondition.ts'
import type { Actor, OperatorActor, Registry } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'

/** What callers are held to, as the operator configured it, where the tenant's plan says nothing else. null: not limited. */
export interface LimitsReport {
  readonly requests_per_minute_tenant: number | null
  readonly requests_per_minute_caller: number | null
  /** By each replica for itself. */
  readonly concurrent_calls: number | null
  readonly result_bytes: number | null
  /** Of a tool that names no time of its own. */
  readonly call_seconds: number | null
  /** Do all replicas count requests together? */
  readonly shared: boolean
}

/** What operations work with; made once. */
export interface Desk {
  readonly registry: Registry
  readonly clock: Clock
  readonly limits: LimitsReport
  /** Tenants as files. */
  readonly archive: Pick<Archive, 'exportTenant'>
}

interface AnyCall extends Desk {
  /**
   * What the caller knows of the thing they change (If-Match): shown its representation as it is at that moment, locked, it throws
   * RegistryError `stale` when that is another. Absent: whatever it is by now, it is changed.
   */
  readonly precondition?: Precondition<object>
}

/** One call of an operation: by whom, in which tenant. */
export interface Call extends AnyCall {
  readonly tenant: Tenant
  readonly actor: Extract<Actor, { kind: 'person' }>
}

/** The same by an operator, who stands in no tenant (D3). */
export interface OperatorCall extends AnyCall {
  readonly actor: OperatorActor
}

/**
 * One thing that can be done in a tenant, as data: the API, its document and the tools for admins are all made from it. It is translation and
 * nothing else: who may, within which limits and on what is decided by the functions of the registry that `run` calls.
 */
export interface Operation<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodObject = z.ZodObject,
  On = Call,
> {
  /** snake_case; the tool's name and the API's operationId. */
  readonly id: string
  /** A few words. */
  readonly title: string
  /** For people and models: what it does, what it does not, and what comes next. */
  readonly description: string
  /** Needed at the door, all of them; what more the registry asks for is its own matter. Empty: every member may ask. */
  readonly scopes: readonly string[]
  /** `power`: it changes who may do what (roles, keys, removals, domains, invitations), so a chat must not do it by itself (D32). */
  readonly effect: 'read' | 'change' | 'power'
  readonly input: Input
  /** What is not in it is not answered, whatever `run` gives. */
  readonly output: Output
  /** Members of the answer that are shown this once. They are stored nowhere, and no tool's result may hold them. */
  readonly secrets?: readonly string[]
  /** Throws RegistryError and DatabaseUnavailable. */
  run(input: z.output<Input>, call: On): Promise<z.input<Output>>
}

/** Gives the types of input and output to `run`. */
export const defineOperation = <Input extends z.ZodObject, Output extends z.ZodObject>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> => operation

/** One thing that an operator can do; never open on /mcp (D3). */
export const defineOperatorOperation = <Input extends z.ZodObject, Output extends z.ZodObject>(
  operation: Operation<Input, Output, OperatorCall>,
): Operation<Input, Output, OperatorCall> => operation
