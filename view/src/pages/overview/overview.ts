/** What the overview reckons from what the broker tells. */
import type { DiskView, FiguresView, HourView, MinuteView } from '@/api'

const HOUR = 3_600
const WEEK = 7 * 24
const MINUTE = 60

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

const FLOWS = ['published', 'delivered', 'acked', 'dead'] as const
export type Flow = typeof FLOWS[number]

/**
 * The last hour, minute by minute: what the broker knows of it, and what the events add to that. Times are unix seconds
 * of the broker's clock.
 */
export class LastHour {
  private readonly minutes = new Map<number, Record<Flow, number>>()
  private before: Record<Flow, number> | undefined

  /** Begin with what the broker knows. */
  begin (told: readonly MinuteView[]): void {
    this.minutes.clear()
    this.before = undefined
    for (const { at, published, delivered, acked, dead } of told) this.minutes.set(at, { published, delivered, acked, dead })
  }

  /** Nobody looked for a while: what they grow by until the next totals belongs to no minute. */
  rest (): void {
    this.before = undefined
  }

  /** Take totals. What they grew by since the last ones belongs to this minute; a broker that began anew has no before. */
  take (figures: Pick<FiguresView, Flow>, now: number): void {
    const before = this.before
    this.before = { published: figures.published, delivered: figures.delivered, acked: figures.acked, dead: figures.dead }
    if (before === undefined) return
    const at = minute(now)
    const sum = this.minutes.get(at) ?? { published: 0, delivered: 0, acked: 0, dead: 0 }
    for (const flow of FLOWS) sum[flow] += Math.max(0, figures[flow] - before[flow])
    this.minutes.set(at, sum)
    for (const old of this.minutes.keys()) if (old < at - HOUR) this.minutes.delete(old)
  }

  /** How many there were in the last sixty whole minutes and in the one that runs. */
  count (flow: Flow, now: number): number {
    return this.of(flow, now).reduce((sum, one) => sum + one, 0)
  }

  /** How many there were per second in each whole minute, oldest first. */
  series (flow: Flow, now: number): number[] {
    return this.of(flow, now).slice(0, -1).map((count) => count / MINUTE)
  }

  private of (flow: Flow, now: number): number[] {
    const last = minute(now)
    return Array.from({ length: HOUR / MINUTE + 1 }, (_, index) => this.minutes.get(last - HOUR + index * MINUTE)?.[flow] ?? 0)
  }
}

const minute = (now: number): number => Math.floor(now / MINUTE) * MINUTE

const LEAST_FREE = 1024 ** 3 // bytes
const LEAST_SHARE = 0.1

/** Whether a volume is nearly full. */
export const nearlyFull = (disk: DiskView): boolean => disk.free < LEAST_FREE || disk.free < LEAST_SHARE * disk.total
