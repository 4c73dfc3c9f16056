/** What the page of clients reckons from what the broker tells of connections, of who consumes, and of groups. */
import type { ClientView, GroupsView, GroupView, MemberView } from '@/api'
import { identity, isPattern, matches } from '@/names'

/** The three kinds of connections; those of v2 do what they like. */
export type Does = 'produces' | 'consumes' | 'both' | 'nothing'

/** What a connection does, as far as it was seen to. */
export function does (client: ClientView): Does {
  if (client.kind === 'producer') return 'produces'
  if (client.kind === 'consumer') return 'consumes'
  const [out, back] = [(client.published ?? 0) > 0, client.subscriptions.length > 0]
  return out ? (back ? 'both' : 'produces') : back ? 'consumes' : 'nothing'
}

/** Where it is busy, for a line: topics, and groups with them. */
export function places (client: ClientView): string[] {
  if (client.topic !== '') return [client.topic]
  return client.subscriptions.map((one) => (one.group === null ? one.topic : `${one.topic} / ${one.group}`))
}

/** A look at everybody, at a time of a steady clock and at one of the wall, both in seconds. */
export interface Look {
  at: number
  wall: number
  clients: readonly ClientView[]
  members: readonly MemberView[]
  groups: readonly GroupView[]
}

const GROUP_PAGES = 20

/** The groups that members are in, from a first page on: further ones are asked for until all are there, but not for ever. */
export async function groupsOf (members: readonly MemberView[], first: GroupsView, ask: (cursor: string) => Promise<GroupsView>): Promise<GroupView[]> {
  const missing = new Set(members.flatMap(({ topic, group }) => (group === null ? [] : [place(topic, group)])))
  const found: GroupView[] = []
  let page = first
  for (let pages = 1; ; pages++) {
    for (const one of page.groups) {
      found.push(one)
      missing.delete(place(one.topic, one.name))
    }
    // Those of a pattern may be anywhere: it is missing to the end.
    if (page.cursor === null || missing.size === 0 || pages === GROUP_PAGES) return found
    page = await ask(page.cursor)
  }
}

const place = (topic: string, group: string): string => `${topic}\n${group}`

/** What of a consumer's life was seen. */
interface Seen {
  delivered: number
  acked: number
  /** The wall's time since which it has held messages and acknowledged none. */
  quietSince: number
}

/**
 * How it goes with a consumer: `stuck` holds all it may and acknowledges nothing, `full` holds all it may while others
 * wait, `refuses` takes nothing although messages wait, `listens` owes no answer.
 */
export type Plight = 'stuck' | 'full' | 'refuses' | 'paused' | 'busy' | 'idle' | 'listens'
export const PLIGHTS: readonly Plight[] = ['stuck', 'full', 'refuses', 'paused', 'busy', 'idle', 'listens']

/** Somebody who consumes. Rates are per second, undefined at the first look. */
export interface Consumer extends MemberView {
  key: string
  client: ClientView | undefined
  plight: Plight
  /** Seconds for which it has held messages without acknowledging one. */
  quiet: number
  deliveredRate: number | undefined
  ackedRate: number | undefined
  /** What its group has before it: that nobody holds, and when the oldest was created. */
  waiting: number | undefined
  oldest: number | null
}

const STUCK = 10 // seconds without an ack, from which on a consumer that holds all it may counts as stuck

/** Follows consumers from look to look. */
export class Watch {
  private seen = new Map<string, Seen>()
  private at: number | undefined

  /** Begin rates anew: nobody looked for a while. */
  rest (): void {
    this.at = undefined
  }

  /** Take a look. Those in trouble come first. */
  take (look: Look): Consumer[] {
    const took = this.at === undefined ? 0 : look.at - this.at
    const numbers = new Map(look.clients.map((client) => [client.number, client]))
    const groups = new Groups(look.groups)
    const keys = new Map<string, number>()
    const now = new Map<string, Seen>()
    const found = look.members.map((member): Consumer => {
      const key = identity(member, keys)
      const before = this.seen.get(key)
      const group = groups.of(member)
      const seen = { delivered: member.delivered, acked: member.acked, quietSince: quietSince(member, before, group, look.wall) }
      now.set(key, seen)
      const quiet = member.inFlight > 0 ? Math.max(0, look.wall - seen.quietSince) : 0
      const rate = (is: number, was: number | undefined): number | undefined =>
        (was === undefined || took <= 0 ? undefined : Math.max(0, is - was) / took)
      const waiting = group === undefined ? undefined : Math.max(0, group.lag - group.inFlight)
      return {
        ...member,
        key,
        client: member.number === null ? undefined : numbers.get(member.number),
        plight: plight(member, quiet, group, before !== undefined && member.acked > before.acked),
        quiet,
        deliveredRate: rate(member.delivered, before?.delivered),
        ackedRate: rate(member.acked, before?.acked),
        waiting,
        oldest: group?.oldest ?? null,
      }
    })
    this.seen = now
    this.at = look.at
    return found.sort((a, b) => PLIGHTS.indexOf(a.plight) - PLIGHTS.indexOf(b.plight) || (b.waiting ?? 0) - (a.waiting ?? 0) ||
      (inTrouble(a) ? (a.ackedRate ?? 0) - (b.ackedRate ?? 0) : 0) || compare(a.label, b.label))
  }
}

/** How a group stands, or all groups of a pattern together. */
interface Standing {
  lag: number
  inFlight: number
  oldest: number | null
  paused: boolean
}

/** The groups of a look. */
class Groups {
  private readonly byPlace: Map<string, GroupView>
  constructor (private readonly all: readonly GroupView[]) {
    this.byPlace = new Map(all.map((group) => [place(group.topic, group.name), group]))
  }

  /** That of a member; undefined where it is on its own, or its group was not listed. */
  of (member: MemberView): Standing | undefined {
    if (member.group === null) return undefined
    const one = this.byPlace.get(place(member.topic, member.group))
    if (one !== undefined) return { ...one, paused: one.config.paused === true }
    if (!isPattern(member.topic)) return undefined
    const those = this.all.filter((group) => group.name === member.group && matches(member.topic, group.topic))
    return those.length === 0 ? undefined : those.reduce<Standing>((sum, group) => ({
      lag: sum.lag + group.lag,
      inFlight: sum.inFlight + group.inFlight,
      oldest: group.oldest === null ? sum.oldest : Math.min(group.oldest, sum.oldest ?? Infinity),
      paused: sum.paused && group.config.paused === true,
    }), { lag: 0, inFlight: 0, oldest: null, paused: true })
  }
}

/** Since when it has acknowledged nothing. At the first look that is known of those who never have. */
function quietSince (member: MemberView, before: Seen | undefined, group: Standing | undefined, wall: number): number {
  if (before !== undefined) return member.inFlight > 0 && member.acked === before.acked ? before.quietSince : wall
  // It holds nothing that is older than the oldest of its group.
  return member.acked === 0 ? Math.max(member.since, group?.oldest ?? member.since) : wall
}

function plight (member: MemberView, quiet: number, group: Standing | undefined, acks: boolean): Plight {
  const spent = member.credit !== null && member.credit <= 0
  const behind = group !== undefined && group.lag > group.inFlight
  if (group?.paused === true) return 'paused'
  if (spent && member.inFlight > 0 && quiet >= STUCK) return 'stuck'
  if (spent && member.inFlight > 0 && behind) return 'full'
  if (spent && member.inFlight === 0 && behind) return 'refuses'
  if (member.inFlight > 0 || acks) return 'busy'
  return member.group === null ? 'listens' : 'idle'
}

const compare = (a: string, b: string): number => a.localeCompare(b, undefined, { numeric: true })

/** Whether it is for somebody to look at. */
export const inTrouble = (one: Consumer): boolean => one.plight === 'stuck' || one.plight === 'full' || one.plight === 'refuses'

/** How many messages each connection holds: by its number. */
export function held (all: readonly Consumer[]): Map<number, number> {
  const found = new Map<number, number>()
  for (const { number, inFlight } of all) if (number !== null) found.set(number, (found.get(number) ?? 0) + inFlight)
  return found
}

/** How many messages a second each connection has published between two looks, by its number. */
export function publishRates (before: Pick<Look, 'at' | 'clients'> | undefined, now: Pick<Look, 'at' | 'clients'>): Map<number, number> {
  const took = now.at - (before?.at ?? now.at)
  if (before === undefined || took <= 0) return new Map()
  const then = new Map(before.clients.map((client) => [client.number, client.published]))
  return new Map(now.clients.flatMap(({ number, published }) => {
    const past = then.get(number)
    return typeof published === 'number' && typeof past === 'number' ? [[number, Math.max(0, published - past) / took]] : []
  }))
}
