/** Topics, their groups and rules. */

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
