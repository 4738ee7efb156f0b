import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { offeredTools, withAdminTools } from '#desk/admin-tools.ts'
import type { Desk } from '#desk/operation.ts'
import { createScopes, type Scopes } from '#tenancy/roles.ts'
import type { OfferedTool } from '#tenancy/tenant-tools.ts'
import { createCaller, type Caller } from '#toolkit/call.ts'
import { createCatalogue, scopesOf, type Catalogue } from '#toolkit/catalogue.ts'
import { changeable, unchanging } from '#toolkit/changeable.ts'
import type { Changes } from '#toolkit/changes.ts'
import { watchFolder, type FolderWatch } from '#toolkit/folder-watch.ts'
import { createLibrary, type Library } from '#toolkit/library.ts'
import type { Definitions, Loader } from '#toolkit/load.ts'
import type { Runner } from '#toolkit/run.ts'

export interface OfferOptions {
  readonly config: Pick<Config, 'publicUrl' | 'toolsDir' | 'production'>
  readonly log: Log
  readonly loader: Loader
  /** As the loader loaded them. */
  readonly definitions: Definitions
}

/** What callers can have: made from what was loaded, and in development made again when TOOLS_DIR changes. */
export interface Offer {
  /** Of all tools, resources and prompts. */
  readonly scopes: Scopes
  /** The same as a list, as it was at start. */
  readonly known: readonly string[]
  /** The tools, as they are now. */
  readonly offered: () => readonly OfferedTool[]
  open(parts: { readonly desk: Desk; readonly runner: Runner; readonly changes: Changes }): OpenOffer
}

interface Parts {
  readonly catalogue: Catalogue
  readonly caller: Caller
  readonly library: Library
}

interface OpenOffer extends Parts, FolderWatch {}

/** In production nothing is ever exchanged, and nothing stands between. */
export function createOffer({ config, log, loader, definitions }: OfferOptions): Offer {
  const { toolsDir, production, publicUrl } = config
  const folder = production ? null : toolsDir
  const held = <T extends object>(value: T) => (folder === null ? unchanging(value) : changeable(value))
  const known = knownIn(definitions)
  const scopes = held(createScopes(known))
  let now = definitions
  return {
    scopes: scopes.value,
    known,
    offered: () => offeredTools(now.tools),
    open({ desk, runner, changes }) {
      const make = ({ tools: own, resources, prompts }: Definitions): Parts => {
        const tools = withAdminTools(own, desk, publicUrl)
        return {
          catalogue: createCatalogue(tools, [...resources.values(), ...prompts.values()]),
          caller: createCaller({ tools, runner }),
          library: createLibrary({ resources, prompts, runner }),
        }
      }
      const first = make(definitions)
      const [catalogue, caller, library] = [held(first.catalogue), held(first.caller), held(first.library)]
      const reload = async (): Promise<void> => {
        const { definitions: next, problems } = await loader.reload(now)
        for (const problem of problems) log.error({ problem }, 'TOOLS_DIR: what was there before stays')
        try {
          const made = make(next)
          scopes.change(createScopes(knownIn(next)))
          catalogue.change(made.catalogue)
          caller.change(made.caller)
          library.change(made.library)
        } catch (error) {
          log.error({ err: error }, 'TOOLS_DIR: what was there before stays')
          return
        }
        now = next
        log.info({ tools: next.tools.size, problems: problems.length }, 'TOOLS_DIR was read again')
        for (const what of ['tools', 'resources', 'prompts'] as const) changes.everywhere(what)
      }
      const watch = folder === null ? null : watchFolder(folder, reload)
      return {
        catalogue: catalogue.value,
        caller: caller.value,
        library: library.value,
        start: () => watch?.start(),
        close: async () => await watch?.close(),
      }
    },
  }
}

const knownIn = ({ tools, resources, prompts }: Definitions): readonly string[] =>
  scopesOf([...tools.values(), ...resources.values(), ...prompts.values()])
