/** How much there is of everything now, and what happened minute by minute, hour by hour. */
import type { TopicCountsView } from './topics'

/** Totals since the node started; `inFlight`, `memory` and `oldestUnacked` (seconds) are of now. */
export interface FiguresView {
  published: number
  delivered: number
  acked: number
  nacked: number
  retried: number
  expired: number
  dead: number
  duplicates: number
  inFlight: number
  memory: number
  oldestUnacked: number
}

/** For which group something waits. */
export interface OldestView {
  topic: string
  group: string
}

export interface ConnectionsView {
  producers: number
  consumers: number
  v2: number
}

/** How many seconds the commits of the last minute took: the median, and the 99th percentile. */
export interface CommitView {
  half: number
  most: number
  count: number
}

/** The volume that the store is on. */
export interface DiskView {
  free: number
  total: number
}

/**
 * How much there is now. `oldest` is when what has waited longest for any group was created, `oldestOf` which group that
 * is; `deserted` counts the groups for which messages wait while nobody is there. `commit` is null where nothing was
 * committed in the last minute, `disk` where the store is in memory.
 */
export interface NowView {
  all: number
  consumed: number
  delayed: number
  waiting: number
  dead: number
  bytes: number
  oldest: number | null
  oldestOf: OldestView | null
  deserted: number
  connections: ConnectionsView
  commit: CommitView | null
  disk: DiskView | null
  figures: FiguresView
  topics: TopicCountsView[]
}

/** What happened in the minute that began at `at`. */
export interface MinuteView {
  at: number
  published: number
  delivered: number
  acked: number
  nacked: number
  retried: number
  dead: number
}

export interface MinutesView {
  minutes: MinuteView[]
}

/** What happened in the hour that began at `at`. */
export interface HourView {
  at: number
  published: number
  delivered: number
  consumed: number
  retried: number
  expired: number
  deleted: number
  cleaned: number
}

export interface HoursView {
  hours: HourView[]
}
