/** Who is in the pool, as a registry and a broker tell it: `GET /api/v1/watch`, a snapshot and then each change. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { brokerNow } from '@/api/clock'
import type { Refused } from '@/api/errors'
import { address, request } from '@/api/http'
import { gone } from '@/api/link'
import { hidden } from '@/api/sight'
import { watch } from '@/api/sse'

export const STATES = ['alive', 'suspect', 'dead', 'left'] as const
export type MemberState = typeof STATES[number]

/** `meta` is an object where a node of ours said it, else base64. `rtt` is in seconds, `since` unix seconds. */
export interface MemberView {
  name: string
  kind: 'mq' | 'r' | null
  address: string
  port: number
  state: MemberState
  incarnation: number
  meta: unknown
  rtt: number | null
  since: number
}

export interface Snapshot {
  members: MemberView[]
  /** Whether another part follows. */
  more: boolean
  /** Whether this is the first part: what was known before is void. */
  anew: boolean
}

export type What = 'joined' | 'back' | 'suspected' | 'failed' | 'left' | 'forgotten' | 'changed'

/** What became of a member, `at` unix seconds. */
export interface Change {
  serial: number
  at: number
  name: string
  what: What
}

const KEPT = 12 // changes
const OFTEN = 10_000 // milliseconds between two looks at how soon each answers: the stream does not tell
const MANY = 500 // members from which on nobody looks

/** Everybody that is known. */
export class Pool {
  readonly members = new Map<string, MemberView>()
  /** The newest first. */
  changes: Change[] = []
  /** Whether a snapshot has come to its end. */
  whole = false
  private told = 0

  /** Take an event of the stream. `now` is in unix seconds. */
  take (event: string, data: Snapshot | MemberView, now: number): void {
    if (event === 'snapshot') {
      const { members, more, anew } = data as Snapshot
      if (anew) this.members.clear()
      for (const one of members) this.members.set(one.name, one)
      this.whole = !more
      return
    }
    const member = data as MemberView
    const before = this.members.get(member.name)
    if (event === 'forget') this.members.delete(member.name)
    else this.members.set(member.name, member)
    const what = become(event, before, member)
    if (what !== undefined) this.changes = [{ serial: this.told++, at: now, name: member.name, what }, ...this.changes].slice(0, KEPT)
  }

  /** Take how soon everybody answers, and what he says of himself now; who is there is for the stream to say. */
  measure (members: readonly MemberView[]): void {
    for (const { name, rtt, meta } of members) {
      const known = this.members.get(name)
      if (known !== undefined) this.members.set(name, { ...known, rtt, meta })
    }
  }
}

/** What an event means to people; undefined where it is not worth a line. */
function become (event: string, before: MemberView | undefined, now: MemberView): What | undefined {
  if (event === 'forget') return before === undefined ? undefined : 'forgotten'
  if (before?.state !== now.state) {
    const calm = before === undefined || before.state === 'dead' || before.state === 'left'
    return ({ alive: calm ? 'joined' : 'back', suspect: 'suspected', dead: 'failed', left: 'left' } as const)[now.state]
  }
  return said(before) === said(now) ? undefined : 'changed'
}

/** What it says of itself, but for its load, which is always another one. */
const said = ({ meta }: MemberView): string => JSON.stringify(meta, (name, value: unknown) => (name === 'l' ? undefined : value))

/** What a node of ours says of itself: its version, its protocols, and its load in tenths of a core. */
export interface Meta {
  version: string
  protocols: string[]
  load: number
}

/** Read it; undefined for what other programs say. */
export function meta (member: MemberView): Meta | undefined {
  const said = member.meta as { v?: unknown, p?: unknown, l?: unknown } | null
  if (typeof said !== 'object' || said === null || typeof said.v !== 'string') return undefined
  return {
    version: said.v,
    protocols: Array.isArray(said.p) ? said.p.map(String) : [],
    load: typeof said.l === 'number' ? said.l : 0,
  }
}

/** Where a member gossips. */
export const gossip = (member: MemberView): string =>
  `${member.address.includes(':') ? `[${member.address}]` : member.address}:${member.port}`

/** The page of a member that is one of ours, by its name; undefined for whatever else calls itself somehow. */
export function page (member: MemberView, scheme: string): string | undefined {
  const found = /^(?:mq|r)[:-]([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(member.name)
  if (member.kind === null || found === null || (scheme !== 'http:' && scheme !== 'https:')) return undefined
  return `${scheme}//${found[1]}:${found[2]}/`
}

/** By name, letters as they come: what the broker and the registry go by. */
const byName = (a: MemberView, b: MemberView): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

/** Watch the pool for as long as the page lasts. */
export function useMembers () {
  const pool = new Pool()
  const told = ref(0) // counts events: the pool itself is not watched
  const live = ref(false)
  const refused = shallowRef<Refused>()
  const end = new AbortController()
  void watch(address(['watch']), {
    on: ({ event, data }) => {
      pool.take(event, JSON.parse(data) as Snapshot | MemberView, brokerNow())
      told.value++
    },
    live: (now) => { live.value = now },
    refused: (error) => { refused.value = error },
    signal: end.signal,
  })
  const clock = setInterval(() => {
    if (hidden.value || gone.value || !live.value || !pool.whole || pool.members.size > MANY) return
    void request<{ members: MemberView[] }>('GET', ['members'], { signal: end.signal }).then(({ members }) => {
      pool.measure(members)
      told.value++
    }, () => {}) // whoever does not answer is told of by the stream
  }, OFTEN)
  onScopeDispose(() => {
    end.abort()
    clearInterval(clock)
  })
  const watched = <T>(read: () => T) => computed(() => {
    void told.value
    return read()
  })
  return {
    live,
    refused,
    members: watched(() => [...pool.members.values()].sort(byName)),
    changes: watched(() => pool.changes),
    whole: watched(() => pool.whole),
  }
}
