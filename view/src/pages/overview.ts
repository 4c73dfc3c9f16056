/** What the overview reckons from what the broker tells. */
import type { GroupView, HourView } from '@/api'
import { between, buckets, quantile, readMetrics, total, type Buckets } from '@/api/metrics'

const HOUR = 3_600
const WEEK = 7 * 24

/** An hour in the chart. */
export type Point = Pick<HourView, 'at' | 'published' | 'delivered' | 'consumed' | 'retried'>

/** The last seven days without gaps: hours in which nothing happened are not told. */
export function wholeWeek (hours: readonly HourView[], now: number): Point[] {
  const known = new Map(hours.map((hour) => [hour.at, hour]))
  const last = Math.floor(now / HOUR) * HOUR
  return Array.from({ length: WEEK }, (_, index) => {
    const at = last - (WEEK - 1 - index) * HOUR
    return known.get(at) ?? { at, published: 0, delivered: 0, consumed: 0, retried: 0 }
  })
}

/** The same by days of the reader's calendar, for a table. */
export function byDay (points: readonly Point[]): Point[] {
  const days = new Map<string, Point>()
  for (const point of points) {
    const name = new Date(point.at * 1_000).toDateString()
    const day = days.get(name) ?? { at: point.at, published: 0, delivered: 0, consumed: 0, retried: 0 }
    day.published += point.published
    day.delivered += point.delivered
    day.consumed += point.consumed
    day.retried += point.retried
    days.set(name, day)
  }
  return [...days.values()]
}

/** The group that has waited longest. */
export function oldest (groups: readonly GroupView[]): GroupView | undefined {
  return groups.filter((group) => group.oldest !== null).sort((a, b) => a.oldest! - b.oldest!)[0]
}

/** Groups for which messages wait and nobody is there. */
export const deserted = (groups: readonly GroupView[]): GroupView[] =>
  groups.filter((group) => group.members === 0 && group.lag > 0 && group.config.paused !== true)

/** What only /metrics tells. */
export interface Measured {
  connections: { producers: number, consumers: number, v2: number }
  commits: Buckets
}

/** Read it. */
export function measured (text: string): Measured {
  const all = readMetrics(text)
  const of = (kind: string): number =>
    total(all.filter((one) => one.labels['kind'] === kind), 'kapokmq_connections')
  return {
    connections: { producers: of('producer'), consumers: of('consumer'), v2: of('v2') },
    commits: buckets(all, 'kapokmq_commit_seconds'),
  }
}

/** How long commits took lately: half of them, and 99 of 100; of all since the start where there were none lately. */
export function commitTimes (before: Buckets, now: Buckets): { half: number, most: number } | undefined {
  const lately = between(before, now)
  const observed = (lately.at(-1)?.count ?? 0) > 0 ? lately : now
  const [half, most] = [quantile(0.5, observed), quantile(0.99, observed)]
  return half === undefined || most === undefined ? undefined : { half, most }
}
