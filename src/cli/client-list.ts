import { clients } from '#base/clients.ts'
import type { Snippet, Way } from '#base/client-snippets.ts'
import { outlook, type OutlookFacts, type Verdict } from '#base/client-outlook.ts'
import { columns, plain } from './table.ts'

/** What will become of one client, and what to paste into it. */
export interface ClientLine {
  readonly id: string
  readonly name: string
  readonly verdict: Verdict
  readonly why: string
  /** null when it will not work. */
  readonly paste: Pick<Snippet, 'where' | 'text'> | null
  /** To register at the provider, where a client id is made there. */
  readonly redirect_uris: readonly string[]
}

const WAY: Readonly<Record<Exclude<Verdict, 'no'>, Way>> = { works: 'sign-in', 'client-id': 'client-id', key: 'key' }
const WORD: Readonly<Record<Verdict, string>> = { works: 'yes', 'client-id': 'client id', key: 'key', no: 'no' }

/** Every known client at this endpoint, judged by published facts. */
export function clientList(facts: OutlookFacts): readonly ClientLine[] {
  return clients.map((client) => {
    const { verdict, why } = outlook(client, facts)
    const snippet = verdict === 'no' ? undefined : client.snippets(facts.url).find(({ way }) => way === WAY[verdict])
    return {
      id: client.id,
      name: client.name,
      verdict,
      why,
      paste: snippet === undefined ? null : { where: snippet.where, text: snippet.text },
      redirect_uris: verdict === 'client-id' ? client.redirect_uris : [],
    }
  })
}

/** For people: a table of who works, then what to paste where. */
export function clientText(url: string, lines: readonly ClientLine[]): string {
  const told = lines.flatMap(({ name, paste, redirect_uris }) =>
    paste === null
      ? []
      : [
          '',
          `${name}: ${paste.where}`,
          ...paste.text.split('\n').map((line) => `  ${line}`),
          ...(redirect_uris.length > 0 ? [`  (redirect URIs to register: ${redirect_uris.join(' ')})`] : []),
        ],
  )
  return [
    `Clients at ${plain(url)}`,
    '',
    columns(lines.map(({ name, verdict, why }) => [WORD[verdict], name, plain(why)])),
    ...told,
  ].join('\n')
}
