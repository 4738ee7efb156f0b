/** Where an invitation is accepted, below PUBLIC_URL. */
export const INVITATION_PATH = '/console/invitation'

/** The token stands behind the `#`: browsers send that part to nobody. @param publicUrl no trailing slash. */
export const invitationLink = (publicUrl: string, token: string): string => `${publicUrl}${INVITATION_PATH}#${token}`

/** The token of what a person typed or pasted: the code itself, or the whole link. null: it can be neither. */
export function pastedToken(text: string): string | null {
  const token = text.trim().split('#').at(-1) ?? ''
  return /^v1\.[\w-]{50,300}$/.test(token) ? token : null
}
