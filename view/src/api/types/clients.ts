/** Who is connected, and who consumes. */

export interface InterestView {
  sub: number
  topic: string
  group: string | null
}

/** Those of the classic protocol have a topic, those of v2 a session, a number of publishes, and subscriptions. */
export interface ClientView {
  number: number
  kind: string
  id: string
  topic: string
  address: string
  joinTime: number
  session: string | null
  published: number | null
  subscriptions: InterestView[]
}

/**
 * Who consumes. `number` is that of his connection, null where he fetches with requests; `delivered` and `acked` are totals
 * since he came.
 */
export interface MemberView {
  label: string
  number: number | null
  address: string
  since: number
  topic: string
  group: string | null
  credit: number | null
  inFlight: number
  delivered: number
  acked: number
}

export interface ClientsView {
  clients: ClientView[]
  members: MemberView[]
  cursor: string | null
}
