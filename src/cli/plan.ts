import { Option } from 'commander'
import { PLAN_LIMITS, PLAN_RANGES, type PlanInput, type PlanRecord } from '#tenancy/plans.ts'
import type { TenantLimits } from '#tenancy/tenant.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { limitOrDefault } from './parse.ts'
import { withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, tell } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
type SetOptions = Options & { readonly title?: string } & {
  readonly [Limit in keyof TenantLimits as Camel<Limit>]?: number | 'default'
}
type Camel<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name

const ABOUT: Readonly<Record<keyof TenantLimits, string>> = {
  calls_per_minute: 'calls of a tenant per minute',
  calls_per_minute_principal: 'calls of one person or key per minute',
  concurrent_calls: 'calls of a tenant at the same time',
  result_bytes: 'octets of one result; the smaller of it and RESULT_LIMIT counts',
  call_seconds: 'seconds of one call; the smaller of it and CALL_TIMEOUT counts',
  keys: 'working API keys of one member',
}

/** `plan list|show|set|remove` */
export const define: Define = (command, { terminal }) => {
  command
    .command('list')
    .description('every plan and how many tenants have it')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const plans = await registry.plans.list(actor)
        if (plans.length === 0) tell(terminal, 'There are no plans: the limits of the configuration hold for all.')
        answer(terminal, json, plans, () => table(plans.map(row)))
      })
    })

  command
    .command('show <name>')
    .description('one plan')
    .option('--json', 'print one JSON document')
    .action(async (name: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const plan = await registry.plans.show(actor, name)
        answer(terminal, json, plan, () => sheet(facts(plan)))
      })
    })

  const set = command
    .command('set <name>')
    .description('make a plan, or change what is given; running servers go by it within a second')
    .option('--title <title>', 'what people read (default: the name)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\n`default` for a limit: what the configuration of the server says.')
  for (const limit of PLAN_LIMITS) {
    const [least, most] = PLAN_RANGES[limit]
    set.addOption(
      new Option(`--${limit.replaceAll('_', '-')} <n>`, `${ABOUT[limit]}, ${least} to ${most}, or default`).argParser(
        limitOrDefault,
      ),
    )
  }
  set.action(async (name: string, options: SetOptions) => {
    await withRegistry(terminal, async ({ registry, actor }) => {
      const plan = await registry.plans.set(actor, name, inputOf(options))
      answer(terminal, options.json, plan, () => sheet(facts(plan)))
    })
  })

  const remove = command
    .command('remove <name>')
    .description('end a plan that no tenant has')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (name: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        await confirm(remove, terminal, { yes, loss: `This removes the plan ${name}.`, word: name })
        await registry.plans.remove(actor, name)
        answer(terminal, json, { name, removed: true }, () => `The plan ${name} is removed.`)
      })
    })
}

function inputOf({ title, ...options }: SetOptions): PlanInput {
  const given = Object.entries(options).flatMap(([name, value]) => {
    const limit = PLAN_LIMITS.find(
      (one) => one.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) === name,
    )
    return limit === undefined ? [] : [[limit, value === 'default' ? null : value]]
  })
  return { ...Object.fromEntries(given), ...(title === undefined ? {} : { title }) }
}

const words = (limit: number | null): number | string => limit ?? 'default'

const row = ({ name, title, tenants, ...plan }: PlanRecord): Readonly<Record<string, unknown>> => ({
  name,
  title,
  tenants,
  'per minute': words(plan.calls_per_minute),
  'per caller': words(plan.calls_per_minute_principal),
  'at once': words(plan.concurrent_calls),
  bytes: words(plan.result_bytes),
  seconds: words(plan.call_seconds),
  keys: words(plan.keys),
})

const facts = (plan: PlanRecord): Readonly<Record<string, unknown>> => ({
  name: plan.name,
  title: plan.title,
  ...Object.fromEntries(PLAN_LIMITS.map((limit) => [limit, words(plan[limit])])),
  tenants: plan.tenants,
  changed_at: moment(plan.changed_at, Date.now()),
})
