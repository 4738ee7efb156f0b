import { html, type Html, type HtmlValue } from '#base/html.ts'
import type { Registry } from '#tenancy/registry.ts'
import { doneNote, head, problemNote } from './parts.ts'
import type { Place, View } from './tenant-pages.ts'

/** Which of the three lists is open. */
export type PeopleTab = '' | '/requests' | '/invitations'

const TABS: readonly (readonly [PeopleTab, string])[] = [
  ['', 'Members'],
  ['/requests', 'Requests'],
  ['/invitations', 'Invitations'],
]

const DONE = {
  approved: 'They belong here now, and can use the tools at once.',
  declined: 'They were not let in. That is remembered for 30 days; after that they can ask again.',
  removed: 'They have no access any more, and the API keys they made stopped.',
  revoked: 'That link leads nowhere any more.',
  role: 'The role is changed; it counts within a second.',
  'signed-out': 'Every token they held is refused; their clients must sign in again. Their API keys still work.',
}

/** Heading, what was just done or was wrong, and the way between the three lists, each with its number. */
export async function peopleFrame(
  { members, invitations }: Pick<Registry, 'members' | 'invitations'>,
  { tenant, actor, path }: Place,
  { done, problem }: View,
  { tab, body }: { readonly tab: PeopleTab; readonly body: HtmlValue },
): Promise<Html> {
  const tally = await members.tally(tenant, actor)
  const counts = {
    '': tally.active,
    '/requests': tally.requested,
    '/invitations': await invitations.open(tenant, actor),
  }
  return html`${head(
      'People',
      `Who belongs to ${tenant.name}, who asks to, and whom you invited.`,
      html`<a class="button primary" href="${path('/people/invite')}">Invite somebody</a>`,
    )}
    ${doneNote(DONE, done)} ${problemNote(problem)}
    <nav class="tabs" aria-label="People">
      ${TABS.map(
        ([to, label]) =>
          html`<a href="${path(`/people${to}`)}" ${to === tab && html`aria-current="page"`}
            >${label} <span class="count">${counts[to]}</span></a
          > `,
      )}
    </nav>
    ${body}`
}

/** What was just done to one person, on their own page. */
export const personDone = (code: string | null): Html | null => doneNote(DONE, code)
