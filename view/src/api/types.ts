/**
 * What the API tells, under the names of docs/api.md and of `GET /api/v1/openapi.json`: a test of the broker compares
 * the fields. Times are unix seconds with a fraction, waits are seconds, sizes are bytes.
 */

export interface MessageView {
  code: string
  topic: string
  data: string
  status: Status
  createTime: number
  dueTime?: number
  expireTime?: number
  consumedTime?: number
  key?: string
  headers?: Record<string, string>
}

export type Status = 'waiting' | 'delayed' | 'consumed' | 'dead'

export interface MessagesPage {
  messages: MessageView[]
  cursor: string | null
}

/** `inFlight` of the waiting ones are leased. */
export interface CountsView {
  all: number
  consumed: number
  delayed: number
  waiting: number
  inFlight: number
  dead: number
  bytes: number
}

export interface TopicCountsView extends CountsView {
  topic: string
}

export interface GroupConfig {
  ackWait?: number | null
  maxAttempts?: number | null
  backoff?: number | null
  backoffMax?: number | null
  choice?: 'random' | 'roundRobin' | null
  paused?: boolean
}

export interface TopicPolicy {
  retention?: 'queue' | 'log' | 'none' | null
  maxAge?: number | null
  maxMessages?: number | null
  maxBytes?: number | null
  overflow?: 'reject' | 'dropOldest' | null
  dedupWindow?: number | null
  durability?: 'memory' | 'interval' | 'fsync' | null
  ackWait?: number | null
  maxAttempts?: number | null
  backoff?: number | null
  backoffMax?: number | null
  choice?: 'random' | 'roundRobin' | null
  paused?: boolean
}

/** `policy` is what was set for it, `effective` what it goes by. */
export interface TopicView {
  name: string
  counts: CountsView
  policy: TopicPolicy
  effective: TopicPolicy
  groups: string[]
}

export interface TopicsView {
  topics: TopicView[]
  cursor: string | null
}

/** `oldest` is when what has waited longest was created. */
export interface GroupView {
  topic: string
  name: string
  mode: string
  config: GroupConfig
  effective: GroupConfig
  mark: number
  next: number
  lag: number
  inFlight: number
  dead: number
  members: number
  oldest: number | null
}

export interface GroupsView {
  groups: GroupView[]
  cursor: string | null
}

export interface PatternView {
  pattern: string
  name: string
  config: GroupConfig
}

export interface PatternsView {
  patterns: PatternView[]
  cursor: string | null
}

export interface HolderView {
  label: string
  since: number
  until: number | null
}

export interface EventView {
  at: number
  kind: string
  attempts: number
  who: string
  reason: string
}

export interface GroupLifeView {
  group: string
  state: 'notDue' | 'delayed' | 'waiting' | 'retrying' | 'leased' | 'acknowledged' | 'dead' | 'expired'
  attempts: number
  since: number | null
  until: number | null
  holders: HolderView[]
  events: EventView[]
}

export interface LifeView {
  message: MessageView
  groups: GroupLifeView[]
}

export interface DeadView {
  message: MessageView
  group: string
  at: number
  attempts: number
  reason: string
}

export interface DeadPage {
  dead: DeadView[]
  cursor: string | null
}

/** Which dead letters: the last reason and the text are looked into, `before` is a time. */
export interface Which {
  reason?: string | null
  text?: string | null
  before?: number | null
}

export interface Bulk {
  filter?: Which
  limit?: number
  cursor?: string | null
}

export interface CountView {
  count: number
}

export interface DoneView {
  count: number
  cursor: string | null
}

export interface Result {
  result: string
}

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

/** How many delayed messages come due in the step that begins at `at`. */
export interface StepView {
  at: number
  count: number
}

/** Step by step, ascending; those in which none comes due are left out. */
export interface CalendarView {
  counts: StepView[]
}

export type Right = 'read' | 'publish' | 'consume' | 'steer'

/** What the key may do. */
export interface KeyView {
  rights: Right[]
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

/** `reason` says what is in its way, empty where nothing is. */
export interface NodeView {
  name: string
  version: string
  ready: boolean
  reason: string
}

export interface SettingView {
  path: string
  value: unknown
  default: unknown
  source: string
}

export interface ConfigView {
  settings: SettingView[]
}

/** A message to be published; `data` is a text, or anything else whose JSON is the text. */
export interface Full {
  data: unknown
  delay?: number
  at?: number
  expire?: number
  key?: string
  headers?: Record<string, string>
}

export interface Published {
  codes: string[]
  duplicates: number[]
  durable: string
}

export interface Fault {
  code: string
  message: string
  retryAfter?: number
  index?: number
}

/** What `GET /events/topics/{topic}` tells. */
export interface PassingView {
  code: string
  topic: string
  data: string
  createTime: number
  headers?: Record<string, string>
  key?: string
}
