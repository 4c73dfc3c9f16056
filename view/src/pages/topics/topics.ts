/** What the pages of topics and groups reckon from what the broker tells. */
import { Rates, type CountsView, type GroupView, type HourView, type TopicView } from '@/api'

const SAMPLES = 40 // of each row's sparkline

/** Readings that a rate of now is of. */
const LATELY = 3

/** Messages by which what a group is done with may seem to go back. */
export const SLACK = 5_000

/** A topic in the table: its counts, and its groups together. */
export interface TopicRow extends CountsView {
  name: string
  paused: boolean
  groups: number
  lag: number
  consumers: number
  /** Groups for which messages wait while nobody is there. */
  deserted: number
  /** How long, in seconds, what has waited longest for any group has done so. */
  age: number | undefined
  /** How many were published per second; undefined while nobody knows. */
  now: number | undefined
  series: number[]
}

/** A group in a table; `age` is how long, in seconds, what has waited longest has done so. */
export interface GroupRow extends GroupView {
  id: string
  paused: boolean
  /** Whether messages wait while nobody is there. */
  deserted: boolean
  age: number | undefined
  /** How many it was done with per second; undefined while nobody knows. */
  now: number | undefined
  series: number[]
}

/** A group's own key: names may hold anything but this. */
export const groupId = (topic: string, group: string): string => `${topic}\n${group}`

/**
 * How fast each of many things moves: a total that grows, by the thing's key. With `slack` a total that is smaller than
 * before, by no more than that, has not moved: it was reckoned from answers that are not of the same instant.
 */
export class Movements {
  private readonly known = new Map<string, Rates>()
  private readonly highest = new Map<string, number>()

  constructor (private readonly slack = 0) {}

  /** Take a reading, undefined for what has not moved; what is not in it is forgotten. `at` is in seconds. */
  take (at: number, totals: Iterable<readonly [key: string, total: number | undefined]>): void {
    const seen = new Set<string>()
    for (const [key, told] of totals) {
      seen.add(key)
      const before = this.highest.get(key) ?? told
      if (before === undefined) continue
      const total = told === undefined || (told < before && before - told <= this.slack) ? before : told
      this.highest.set(key, total)
      let rates = this.known.get(key)
      if (rates === undefined) this.known.set(key, rates = new Rates(['total'], SAMPLES))
      rates.take({ at, totals: { total } })
    }
    for (const key of this.known.keys()) {
      if (seen.has(key)) continue
      this.known.delete(key)
      this.highest.delete(key)
    }
  }

  /** Begin anew: nobody looked for a while. */
  rest (): void {
    for (const rates of this.known.values()) rates.rest()
  }

  /** The rates so far, oldest first. */
  series (key: string): number[] {
    return this.known.get(key)?.series('total', SAMPLES) ?? []
  }

  /** The rate of now; undefined before there are two readings. */
  now (key: string): number | undefined {
    return this.known.get(key)?.lately('total', LATELY)
  }
}

/**
 * How many messages a topic has had, up to a constant. Its groups know; where it has none it is what is stored, which
 * also shrinks by what is cleaned.
 */
export function came (topic: TopicView, groups: readonly GroupView[]): number {
  return groups.length > 0 ? Math.max(...groups.map((one) => one.next)) : topic.counts.all
}

/** Whether nobody takes anything from a group, nor has anything of it. */
const isIdle = (group: GroupView): boolean => group.members === 0 && group.inFlight === 0

/**
 * How many messages a group is done with, up to a constant, where it may be done with any; of its topic so many are delayed,
 * which are no lag yet.
 */
export const done = (group: GroupView, delayed: number): number | undefined =>
  (isIdle(group) ? undefined : group.next - group.lag - delayed)

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

/** Whether messages wait for a group while nobody is there to take them. */
const isDeserted = (group: GroupView): boolean => group.lag > 0 && group.members === 0 && group.config.paused !== true

/** How long, in seconds, something has waited by `at`, unix seconds. */
const waited = (oldest: number | null, at: number): number | undefined => (oldest === null ? undefined : Math.max(0, at - oldest))

/**
 * The table of topics. Its lag is that of the group that is furthest behind: two groups have the same messages. `at` is unix
 * seconds.
 */
export function topicRows (topics: readonly TopicView[], groups: readonly GroupView[], moves: Movements, at: number): TopicRow[] {
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
      deserted: mine.filter(isDeserted).length,
      age: mine.reduce<number | undefined>((most, one) => {
        const age = waited(one.oldest, at)
        return age === undefined || age < (most ?? 0) ? most : age
      }, undefined),
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
      deserted: isDeserted(group),
      age: waited(group.oldest, at),
      now: isIdle(group) ? 0 : moves.now(id),
      series: moves.series(id),
    }
  })
}

/** Those whose name has this in it; case does not count. */
export function named<T> (rows: readonly T[], wanted: string, names: (row: T) => string[]): readonly T[] {
  const text = wanted.trim().toLowerCase()
  return text === '' ? rows : rows.filter((row) => names(row).some((name) => name.toLowerCase().includes(text)))
}

/** What somebody who looks for trouble wants to see. */
export const TROUBLES = ['lag', 'deserted', 'dead', 'paused'] as const
export type Trouble = typeof TROUBLES[number]

/** Those that have it. */
export function troubled<T extends Record<Trouble, number | boolean>> (rows: readonly T[], trouble: Trouble | undefined): readonly T[] {
  return trouble === undefined ? rows : rows.filter((row) => Number(row[trouble]) > 0)
}

/** Where a group goes: so many seconds until it has caught up, or so many messages a second that it falls behind. */
export type Pace = { kind: 'level' | 'still' } | { kind: 'catching', seconds: number } | { kind: 'behind', by: number }

const SLIGHT = 0.02 // of what comes: rates that differ by less are the same

/** Reckon with both rates, in messages per second; undefined while one is not known, or where nothing waits. */
export function pace (lag: number, into: number | undefined, out: number | undefined): Pace | undefined {
  if (lag <= 0 || into === undefined || out === undefined) return undefined
  const gain = out - into
  if (into === 0 && out === 0) return { kind: 'still' }
  if (Math.abs(gain) <= SLIGHT * Math.max(into, out)) return { kind: 'level' }
  return gain > 0 ? { kind: 'catching', seconds: lag / gain } : { kind: 'behind', by: -gain }
}

/** What was published in each of the last so many hours, oldest first, with 0 where nothing is known. `at` is unix seconds. */
export function hourly (hours: readonly HourView[], at: number, count: number): number[] {
  const now = Math.floor(at / 3_600) * 3_600
  const known = new Map(hours.map((hour) => [hour.at, hour.published]))
  return Array.from({ length: count }, (_, index) => known.get(now - (count - 1 - index) * 3_600) ?? 0)
}
