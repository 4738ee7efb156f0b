import { auditSection } from './audit-page.ts'
import { confirmSection } from './confirm-page.ts'
import type { ConsoleDeps } from './deps.ts'
import { domainsSection } from './domains-page.ts'
import { keysSection } from './keys-page.ts'
import { overviewSection } from './overview-page.ts'
import { peopleSection } from './people-section.ts'
import { settingsSection } from './settings-page.ts'
import type { TenantSection } from './tenant-pages.ts'
import { usageSection } from './usage-page.ts'

/** All pages of a tenant. */
export const tenantSections = (deps: ConsoleDeps): readonly TenantSection[] => [
  overviewSection(deps),
  domainsSection(deps),
  peopleSection(deps),
  keysSection(deps),
  auditSection(deps),
  usageSection(deps),
  settingsSection(deps),
  confirmSection(deps.desk),
]
