/** What the page of delayed messages reckons: when how many fall due, and what becomes of the list when one is changed. */
import type { MessageView } from '@/api'

export type Step = 'hour' | 'day'

/** A stretch of the calendar: `to` is not in it any more. */
export interface Slot {
  from: number
  to: number
  count: number
  /** Whether all that falls due in it was listed, some, or none: the list comes page by page. */
  known: 'all' | 'some' | 'none'
}

const SLOTS: Record<Step, number> = { hour: 24, day: 14 }

/** What is still to come, the next first, each message once: a list that came in pages may hold one twice. */
export function upcoming (rows: readonly MessageView[], now: number): MessageView[] {
  const last = new Map(rows.map((row) => [row.code, row]))
  return [...last.values()].filter((row) => due(row) > now).sort((a, b) => due(a) - due(b))
}

/** When it falls due. */
export const due = (row: MessageView): number => row.dueTime ?? row.createTime

/** How many fall due hour by hour, or day by day of the reader's calendar, from now on; the last slot is all that is later. */
export function slots (rows: readonly MessageView[], now: number, step: Step, whole: boolean): Slot[] {
  const edges = Array.from({ length: SLOTS[step] + 1 }, (_, index) => edge(now, step, index))
  const reach = whole ? Infinity : rows.reduce((most, row) => Math.max(most, due(row)), -Infinity)
  return [...edges.keys()].map((index) => {
    const [from, to] = [edges[index]!, edges[index + 1] ?? Infinity]
    const known = to <= reach ? 'all' : from < reach ? 'some' : 'none'
    return { from, to, count: rows.filter((row) => isIn(row, { from, to })).length, known }
  })
}

/** Whether a message falls due in it. */
export const isIn = (row: MessageView, slot: Pick<Slot, 'from' | 'to'>): boolean => due(row) >= slot.from && due(row) < slot.to

/** Where the slot of that number begins. Days are not equally long where clocks are changed. */
function edge (now: number, step: Step, index: number): number {
  const date = new Date(now * 1_000)
  if (step === 'day') return new Date(date.getFullYear(), date.getMonth(), date.getDate() + index).getTime() / 1_000
  date.setMinutes(0, 0, 0)
  return date.getTime() / 1_000 + index * 3_600
}

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

/** A time as a field for date and time holds it, of the reader's clock. */
export function asField (seconds: number): string {
  const date = new Date(Math.floor(seconds) * 1_000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** The time that such a field holds, undefined where it holds none. */
export function fromField (text: string): number | undefined {
  const seconds = new Date(text).getTime() / 1_000
  return Number.isFinite(seconds) ? seconds : undefined
}
