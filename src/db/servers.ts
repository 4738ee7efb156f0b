/** A server that tools' transactions run on, by name: a placement, or a placement's read replica. */
export interface Server {
  readonly placement: string
  readonly replica: boolean
}

const REPLICA = '/replica'

/** Placements have no slash in their names. */
export const replicaOf = (placement: string): string => `${placement}${REPLICA}`

export const serverOf = (name: string): Server =>
  name.endsWith(REPLICA)
    ? { placement: name.slice(0, -REPLICA.length), replica: true }
    : { placement: name, replica: false }
