/** Messages: one, its life in each group, those that come due, and what is published. */

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

/** How many delayed messages come due in the step that begins at `at`. */
export interface StepView {
  at: number
  count: number
}

/** Step by step, ascending; those in which none comes due are left out. */
export interface CalendarView {
  counts: StepView[]
}
