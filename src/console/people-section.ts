import type { ConsoleDeps } from './deps.ts'
import { invitationsSection } from './invitations-page.ts'
import { inviteSection } from './invite-page.ts'
import { memberSection } from './member-page.ts'
import { membersPage } from './members-page.ts'
import { requestsPage } from './requests-page.ts'
import type { TenantSection } from './tenant-pages.ts'

/** People: who belongs, who asks to, and whom somebody invited. */
export function peopleSection(deps: Pick<ConsoleDeps, 'registry'>): TenantSection {
  const others = [memberSection(deps), invitationsSection(deps), inviteSection(deps)]
  return {
    pages: [membersPage(deps), requestsPage(deps), ...others.flatMap(({ pages }) => pages)],
    forms: others.flatMap(({ forms }) => forms),
  }
}
