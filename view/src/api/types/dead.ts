/** Dead letters, and how many of anything were dealt with. */
import type { MessageView } from './messages'

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
