import { Option } from 'commander'
import type { DomainInput } from '#tenancy/domains.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { defineProof, readable } from './domain-proof.ts'
import { list } from './parse.ts'
import { peopleProviders } from './named-person.ts'
import { withRegistry } from './session.ts'
import { sheet, table } from './table.ts'
import { answer, tell } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface AddOptions extends Options {
  readonly assertedBy?: readonly string[]
  readonly join: NonNullable<DomainInput['join_mode']>
  readonly role: NonNullable<DomainInput['default_role']>
  readonly subdomains?: boolean
  readonly allowOnce?: boolean
}

/** `domain add|list|remove`, and what domain-proof.ts has */
export const define: Define = (command, { terminal }) => {
  command
    .command('add <slug> <domain>')
    .description('people with a verified address of this domain belong to the tenant; you vouch for it')
    .option(
      '--asserted-by <providers>',
      'ids of the providers whose word counts for it, separated by commas (default: every configured one that vouches for people)',
      list,
    )
    .addOption(new Option('--join <mode>', 'how people join').choices(['auto', 'invite', 'request']).default('auto'))
    .addOption(new Option('--role <role>', 'their first role').choices(['viewer', 'member', 'admin']).default('member'))
    .option('--subdomains', 'include its subdomains')
    .option('--allow-once', 'let an address that was verified once (GitHub) join by itself')
    .option('--json', 'print one JSON document')
    .action(
      async (slug: string, domain: string, { assertedBy, join, role, subdomains, allowOnce, json }: AddOptions) => {
        await withRegistry(terminal, async ({ config, registry, actor }) => {
          const tenant = await registry.tenants.get(actor, slug)
          const record = await registry.domains.add(tenant, actor, {
            domain,
            asserted_by: assertedBy ?? (await peopleProviders(config)),
            join_mode: join,
            default_role: role,
            include_subdomains: subdomains === true,
            allow_once: allowOnce === true,
          })
          answer(terminal, json, record, () => sheet(readable(record)))
        })
      },
    )

  command
    .command('list <slug>')
    .description('the domains of a tenant')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const domains = await registry.domains.list(await registry.tenants.get(actor, slug), actor)
        if (domains.length === 0) tell(terminal, `${slug} has no domains.`)
        answer(terminal, json, domains, () =>
          table(
            domains.map(
              ({
                domain,
                state,
                verified_by,
                asserted_by,
                join_mode,
                default_role,
                include_subdomains,
                allow_once,
                problem,
              }) => ({
                domain,
                state,
                asserted_by,
                join: join_mode,
                role: default_role,
                subdomains: include_subdomains,
                allow_once,
                verified_by,
                problem: problem?.code ?? null,
              }),
            ),
          ),
        )
      })
    })

  defineProof(command, terminal)

  const remove = command
    .command('remove <slug> <domain>')
    .description('nobody joins by this domain any more; who joined by it stays only while their token shows it live')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nMembers whose token shows exactly this domain live (a Workspace domain, or a domain of its issuer) keep access; who joined\nby a subdomain or by an address verified once loses it within a second. Members that an operator made are not touched.\n`member remove` ends a membership whatever the token shows.',
    )
    .action(async (slug: string, domain: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const loss = `Nobody will join ${slug} by ${domain} any more; who joined by a subdomain, or by an address verified once, loses access.`
        await confirm(remove, terminal, { yes, loss, word: domain })
        await registry.domains.remove(tenant, actor, domain)
        answer(terminal, json, { slug, domain, removed: true }, () => `${domain} no longer belongs to ${slug}.`)
      })
    })
}
