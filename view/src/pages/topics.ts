/** What the pages of topics and groups reckon from what the broker tells. */
import { Rates, type CountsView, type GroupConfig, type GroupView, type HourView, type NowView, type TopicPolicy, type TopicView } from '@/api'

const SAMPLES = 40 // of each row's sparkline
const LATELY = 3 // samples that a rate of now is the mean of

/** A topic in the table: its counts, and its groups together. */
export interface TopicRow extends CountsView {
  name: string
  paused: boolean
  groups: number
  lag: number
  consumers: number
  /** How many were published per second. */
  now: number
  series: number[]
}

/** A group in a table; `age` is how long, in seconds, what has waited longest has done so. */
export interface GroupRow extends GroupView {
  id: string
  paused: boolean
  age: number | undefined
  /** How many it was done with per second. */
  now: number
  series: number[]
}

/** A group's own key: names may hold anything but this. */
export const groupId = (topic: string, group: string): string => `${topic}\n${group}`

/** How fast each of many things moves: a total that grows, by the thing's key. */
export class Movements {
  private readonly known = new Map<string, Rates>()

  /** Take a reading; what is not in it is forgotten. `at` is in seconds. */
  take (at: number, totals: Iterable<readonly [key: string, total: number]>): void {
    const seen = new Set<string>()
    for (const [key, total] of totals) {
      seen.add(key)
      let rates = this.known.get(key)
      if (rates === undefined) this.known.set(key, rates = new Rates(['total'], SAMPLES))
      rates.take({ at, totals: { total } })
    }
    for (const key of this.known.keys()) if (!seen.has(key)) this.known.delete(key)
  }

  /** The rates so far, oldest first. */
  series (key: string): number[] {
    return this.known.get(key)?.series('total', SAMPLES) ?? []
  }

  now (key: string): number {
    return mean(this.series(key).slice(-LATELY))
  }
}

/** The mean; 0 of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length)

/**
 * How many messages a topic has had, up to a constant. Its groups know; where it has none it is what is stored, which
 * also shrinks by what is cleaned.
 */
export function came (topic: TopicView, groups: readonly GroupView[]): number {
  return groups.length > 0 ? Math.max(...groups.map((one) => one.next)) : topic.counts.all
}

/** How many messages a group is done with, up to a constant; of its topic so many are delayed, which are no lag yet. */
export const done = (group: GroupView, delayed: number): number => group.next - group.lag - delayed

/** What happened in all these hours: totals that only grow, as long as the first of them stays the same. */
export function sumHours (hours: readonly HourView[]): { published: number, delivered: number } {
  const sum = { published: 0, delivered: 0 }
  for (const hour of hours) {
    sum.published += hour.published
    sum.delivered += hour.delivered
  }
  return sum
}

/** Groups by their topic. */
export function byTopic (groups: readonly GroupView[]): Map<string, GroupView[]> {
  const found = new Map<string, GroupView[]>()
  for (const group of groups) {
    const some = found.get(group.topic)
    if (some === undefined) found.set(group.topic, [group])
    else some.push(group)
  }
  return found
}

/** The table of topics. Its lag is that of the group that is furthest behind: two groups have the same messages. */
export function topicRows (topics: readonly TopicView[], groups: readonly GroupView[], moves: Movements): TopicRow[] {
  const of = byTopic(groups)
  return topics.map((topic) => {
    const mine = of.get(topic.name) ?? []
    return {
      ...topic.counts,
      name: topic.name,
      paused: topic.policy.paused === true,
      groups: topic.groups.length,
      lag: Math.max(0, ...mine.map((one) => one.lag)),
      consumers: mine.reduce((sum, one) => sum + one.members, 0),
      now: moves.now(topic.name),
      series: moves.series(topic.name),
    }
  })
}

/** A table of groups. `at` is unix seconds. */
export function groupRows (groups: readonly GroupView[], moves: Movements, at: number): GroupRow[] {
  return groups.map((group) => {
    const id = groupId(group.topic, group.name)
    return {
      ...group,
      id,
      paused: group.config.paused === true,
      age: group.oldest === null ? undefined : Math.max(0, at - group.oldest),
      now: moves.now(id),
      series: moves.series(id),
    }
  })
}

/** Those whose name has this in it; case does not count. */
export function named<T> (rows: readonly T[], wanted: string, names: (row: T) => string[]): readonly T[] {
  const text = wanted.trim().toLowerCase()
  return text === '' ? rows : rows.filter((row) => names(row).some((name) => name.toLowerCase().includes(text)))
}

/** What changes when anything has happened to a message: two of the same need no second look. */
export function mark (now: NowView): string {
  const { published, delivered, acked, nacked, expired, dead, inFlight } = now.figures
  return [now.all, now.consumed, now.delayed, now.waiting, published, delivered, acked, nacked, expired, dead, inFlight].join()
}

/** Whether a name stands for many topics: `*` is one level of it, `>` at its end the rest. */
export function isPattern (name: string): boolean {
  const levels = name.split('.')
  return levels.includes('*') || levels.at(-1) === '>'
}

// ------------------------------------------------------------------------------------------------- policies as forms
/** `wait` is more than no seconds, `attempts` may be 0, `words` are one of a few. */
export type Kind = 'wait' | 'seconds' | 'count' | 'bytes' | 'attempts' | 'words'

export interface Rule {
  name: string
  kind: Kind
  words?: readonly string[]
}

/** A group's configuration, field by field. */
export const GROUP_RULES: readonly Rule[] = [
  { name: 'ackWait', kind: 'wait' },
  { name: 'maxAttempts', kind: 'attempts' },
  { name: 'backoff', kind: 'seconds' },
  { name: 'backoffMax', kind: 'seconds' },
  { name: 'choice', kind: 'words', words: ['random', 'roundRobin'] },
]

/** A topic's policy: its own fields, and what holds for groups that say nothing. */
export const TOPIC_RULES: readonly Rule[] = [
  { name: 'retention', kind: 'words', words: ['queue', 'log', 'none'] },
  { name: 'maxAge', kind: 'wait' },
  { name: 'maxMessages', kind: 'count' },
  { name: 'maxBytes', kind: 'bytes' },
  { name: 'overflow', kind: 'words', words: ['reject', 'dropOldest'] },
  { name: 'dedupWindow', kind: 'wait' },
  { name: 'durability', kind: 'words', words: ['memory', 'interval', 'fsync'] },
]

export type Policy = TopicPolicy & GroupConfig
type Value = string | number | boolean | null | undefined

/** One field of a policy. */
export const ruled = (policy: Policy, name: string): Value => (policy as Record<string, Value>)[name]

/** A policy as the texts of a form: what is not set is empty. */
export function asked (policy: Policy, rules: readonly Rule[]): Record<string, string> {
  return Object.fromEntries(rules.map(({ name }) => [name, String(ruled(policy, name) ?? '')]))
}

/** A form's texts as a policy, and the names of the fields that can't be read. */
export function answeredBy (texts: Readonly<Record<string, string>>, rules: readonly Rule[]): { policy: Policy, wrong: string[] } {
  const policy: Record<string, string | number> = {}
  const wrong: string[] = []
  for (const rule of rules) {
    const text = (texts[rule.name] ?? '').trim()
    if (text === '') continue
    const value = read(text, rule)
    if (value === undefined) wrong.push(rule.name)
    else policy[rule.name] = value
  }
  return { policy: policy as Policy, wrong }
}

const MOST_COUNT = 2 ** 53
const MOST_SECONDS = 100 * 366 * 86_400
const MOST_ATTEMPTS = 1_000_000

function read (text: string, { kind, words }: Rule): string | number | undefined {
  if (kind === 'words') return words?.includes(text) === true ? text : undefined
  if (kind === 'wait' || kind === 'seconds') {
    const seconds = readSeconds(text)
    return seconds === undefined || seconds > MOST_SECONDS || (kind === 'wait' && seconds === 0) ? undefined : seconds
  }
  const value = kind === 'bytes' ? readBytes(text) : /^\d+$/.test(text) ? Number(text) : undefined
  const [least, most] = kind === 'attempts' ? [0, MOST_ATTEMPTS] : [1, MOST_COUNT]
  return value === undefined || value < least || value > most ? undefined : value
}

const SECONDS: Record<string, number> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001, '': 1 }

/** Seconds, or with units: 90, 1.5, 2d, 1h 30m, 200 ms. */
export function readSeconds (text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*/gy)]
  if (parts.length === 0 || parts.map((one) => one[0]).join('') !== text) return undefined
  if (parts.length > 1 && parts.some((one) => one[2] === '')) return undefined
  const sum = parts.reduce((all, one) => all + Number(one[1]) * (SECONDS[one[2]!] ?? NaN), 0)
  return Number.isFinite(sum) ? sum : undefined
}

/** Bytes, or with a unit: 1048576, 1.5 MiB, 2g. */
export function readBytes (text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text)
  if (found === null) return undefined
  return Math.round(Number(found[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(found[2]!.toLowerCase()))
}
