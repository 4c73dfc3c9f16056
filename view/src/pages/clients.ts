/** What the page of clients reckons from what the broker tells of connections and of who consumes. */
import type { ClientView, MemberView } from '@/api'

/** The three kinds of connections; those of v2 do what they like. */
export type Does = 'produces' | 'consumes' | 'both' | 'nothing'

/** What a connection does, as far as it was seen to. */
export function does (client: ClientView): Does {
  if (client.kind === 'producer') return 'produces'
  if (client.kind === 'consumer') return 'consumes'
  const [out, back] = [(client.published ?? 0) > 0, client.subscriptions.length > 0]
  return out ? (back ? 'both' : 'produces') : back ? 'consumes' : 'nothing'
}

/** What it consumes. */
const interests = (client: ClientView): { topic: string, group: string | null }[] =>
  client.kind === 'consumer' ? [{ topic: client.topic, group: null }] : client.kind === 'v2' ? client.subscriptions : []

/** Where it is busy, for a line: topics, and groups with them. */
export function places (client: ClientView): string[] {
  if (client.topic !== '') return [client.topic]
  return client.subscriptions.map((one) => (one.group === null ? one.topic : `${one.topic} / ${one.group}`))
}

/** Somebody who consumes, with the connection where only one can be meant. */
export interface Consumer extends MemberView {
  number: number
  client: ClientView | undefined
}

/** What a member is called: the broker puts the id and the address of its connection together. */
const label = (client: ClientView): string => `${client.id} ${client.address}`.trim()

/** Find each member's connection: by its label and what it consumes. Where two would do it stays open. */
export function consumers (clients: readonly ClientView[], members: readonly MemberView[]): Consumer[] {
  const named = new Map<string, ClientView[]>()
  for (const client of clients) named.set(label(client), [...named.get(label(client)) ?? [], client])
  return members.map((member, number) => {
    const fit = (named.get(member.label) ?? []).filter((client) => interests(client).some((one) =>
      one.topic === member.topic && (client.kind === 'consumer' || one.group === member.group)))
    return { ...member, number, client: fit.length === 1 ? fit[0] : undefined }
  })
}

/** How many messages each connection holds: by its number, those whose members were found. */
export function held (all: readonly Consumer[]): Map<number, number> {
  const found = new Map<number, number>()
  for (const { client, inFlight } of all) {
    if (client !== undefined) found.set(client.number, (found.get(client.number) ?? 0) + inFlight)
  }
  return found
}

/** A look at the connections, at a time of a steady clock in seconds. */
export interface Look {
  at: number
  clients: readonly ClientView[]
}

/** How many messages a second each connection has published between two looks, by its number. */
export function publishRates (before: Look | undefined, now: Look): Map<number, number> {
  const took = now.at - (before?.at ?? now.at)
  if (before === undefined || took <= 0) return new Map()
  const then = new Map(before.clients.map((client) => [client.number, client.published]))
  return new Map(now.clients.flatMap(({ number, published }) => {
    const past = then.get(number)
    return typeof published === 'number' && typeof past === 'number' ? [[number, Math.max(0, published - past) / took]] : []
  }))
}

/** Whether one of the texts has all the words in it, whatever their case. */
export function has (texts: readonly (string | null | undefined)[], words: string): boolean {
  const whole = texts.join('\n').toLowerCase()
  return words.toLowerCase().split(/\s+/).every((word) => whole.includes(word))
}
