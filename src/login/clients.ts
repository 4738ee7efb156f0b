import type { GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { createDocuments, documentUrl, isDocumentId, type DocumentsOptions } from './client-document.ts'
import type { Client, Clients } from './client.ts'
import { createRedirectRules } from './redirect.ts'
import { registrationSeal, type RegistrationOptions } from './registration.ts'

export interface ClientsOptions extends RegistrationOptions {
  readonly fetch: Pick<GuardedFetch, 'json'>
  /** Counts one document that an address causes to be fetched: 10 a minute (D30). */
  readonly limit: DocumentsOptions['limit']
}

/**
 * Who a client_id is: what was sealed into it at registration, or what the document at its URL says. Its redirects are those the
 * operator's lists allow now; one that has none left is no client any more, and neither is one of a blocked host.
 */
export function createClients(options: ClientsOptions): Clients {
  const seal = registrationSeal(options)
  const rules = createRedirectRules(options.login)
  const documents = createDocuments(options)

  async function find(client_id: string, from: { readonly ip: string | null }): Promise<Client> {
    if (!isDocumentId(client_id)) {
      const registration = seal.open(client_id)
      if (registration === null) throw new Refusal('client_invalid', { detail: 'no registration of ours' })
      const { name, redirect_uris } = registration
      return { client_id, name, redirect_uris, kind: 'registered', token_endpoint_auth_method: 'none', jwks: null }
    }
    const url = documentUrl(client_id)
    if (url === null)
      throw new Refusal('client_invalid', { detail: 'a client_id that may not be the URL of a document' })
    if (!rules.mayAsk(url)) throw new Refusal('client_invalid', { detail: 'its host is blocked' })
    return await documents(url, from)
  }

  return async (client_id, from) => {
    const client = await find(client_id, from)
    const redirect_uris = rules.allowed(client.redirect_uris, client_id)
    if (redirect_uris.length === 0) throw new Refusal('client_invalid', { detail: 'no redirect of it is allowed here' })
    return { ...client, redirect_uris }
  }
}
