/** What the page of delayed messages reckons: the slots of its calendar, and what becomes of the list when one is changed. */
import type { MessageView } from '@/api'

export const STEPS = ['minute', 'hour', 'day'] as const
export type Step = typeof STEPS[number]

/** A stretch of the calendar: `to` is not in it any more. */
export interface Slot {
  from: number
  to: number
  count: number
}

/** Messages that fall due from `at` on, in one step of those that were asked for. */
export interface Due {
  at: number
  count: number
}

const SLOTS: Record<Step, number> = { minute: 24, hour: 24, day: 14 }
const MINUTES = 5 // of a slot
const HOUR = 3_600
const LONG = 7 * 86_400 // seconds, the longest step of a question
const MOST = 400 // steps that a question may have

/** Where the slots begin, and where the last one ends: so many minutes, hours, or days of the reader's calendar, from now on. */
export const edges = (now: number, step: Step): number[] =>
  Array.from({ length: SLOTS[step] + 1 }, (_, index) => edge(now, step, index))

// Days are not equally long where clocks are changed.
function edge (now: number, step: Step, index: number): number {
  const date = new Date(now * 1_000)
  if (step === 'day') return new Date(date.getFullYear(), date.getMonth(), date.getDate() + index).getTime() / 1_000
  date.setMinutes(step === 'hour' ? 0 : Math.floor(date.getMinutes() / MINUTES) * MINUTES, 0, 0)
  return date.getTime() / 1_000 + index * (step === 'hour' ? HOUR : MINUTES * 60)
}

/** What is asked of the broker: how many fall due in each step of so many seconds. */
export interface Question {
  from: number
  to: number
  step: number
}

/** The two questions for slots: of those that are drawn, days by the hour because of the clocks, and of all that is later. */
export function questions (all: readonly number[], step: Step): [Question, Question] {
  const [from, to] = [all[0]!, all.at(-1)!]
  return [
    { from, to, step: step === 'minute' ? MINUTES * 60 : HOUR },
    { from: to, to: to + MOST * LONG, step: LONG },
  ]
}

/** The slots with their counts; the last one is all that is later, and has no end. */
export function slots (all: readonly number[], counts: readonly Due[], later: readonly Due[]): Slot[] {
  const sum = (those: readonly Due[]): number => those.reduce((total, one) => total + one.count, 0)
  const drawn = all.slice(0, -1).map((from, index) => {
    const to = all[index + 1]!
    return { from, to, count: sum(counts.filter((one) => one.at >= from && one.at < to)) }
  })
  return [...drawn, { from: all.at(-1)!, to: Infinity, count: sum(later) }]
}

/** How many there are in all. */
export const total = (all: readonly Slot[]): number => all.reduce((sum, slot) => sum + slot.count, 0)

/** What is still to come, the next first, each message once: a list that came in pages may hold one twice. */
export function upcoming (rows: readonly MessageView[], now: number): MessageView[] {
  const last = new Map(rows.map((row) => [row.code, row]))
  return [...last.values()].filter((row) => due(row) > now).sort((a, b) => due(a) - due(b))
}

/** When it falls due. */
export const due = (row: MessageView): number => row.dueTime ?? row.createTime

/** Whether a message falls due in it. */
export const isIn = (row: MessageView, slot: Pick<Slot, 'from' | 'to'>): boolean => due(row) >= slot.from && due(row) < slot.to

/** Whether a list in order of time, as far as it is there, has reached a time. */
export const reaches = (rows: readonly MessageView[], time: number): boolean => rows.some((row) => due(row) >= time)

/** The list without a message. */
export const without = (rows: readonly MessageView[], code: string): MessageView[] => rows.filter((row) => row.code !== code)

/** The list with a message at another time. It goes where pages are still to come: one of them will have it. */
export function moved (rows: readonly MessageView[], code: string, at: number, whole: boolean): MessageView[] {
  const others = without(rows, code)
  const one = rows.find((row) => row.code === code)
  const reach = whole ? Infinity : others.reduce((most, row) => Math.max(most, due(row)), -Infinity)
  if (one === undefined || at > reach) return others
  return [...others, { ...one, dueTime: at }].sort((a, b) => due(a) - due(b))
}
