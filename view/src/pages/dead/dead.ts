/** What the page of dead letters reckons: reasons, and how many letters are dealt with, some at a time. */
import { dead, groups, Refused, type DeadView, type GroupView, type Which } from '@/api'
import { beginning } from '@/message/message'
import { abreast } from '@/work'

const AT_ONCE = 200 // letters in one request: the bar moves, and stopping takes no longer than that
const PAGE = 500
const ENOUGH = 5_000 // letters that are read for their reasons without being asked to
const MUCH = 8 << 20 // characters of their texts, which come whole
const LONGEST = 512 // characters that the broker looks for

/** A letter as the table shows it. */
export interface Letter {
  code: string
  at: number
  attempts: number
  reason: string
  text: string
}

export const letter = (view: DeadView): Letter =>
  ({ code: view.message.code, at: view.at, attempts: view.attempts, reason: view.reason, text: beginning(view.message.data) })

/** What the page is asked for in its address: `before` is unix seconds as text. */
export interface Form {
  reason: string
  text: string
  before: string
}

/** Read the form from an address; what is not understood is left out. */
export function fromQuery (query: Readonly<Record<string, unknown>>): Form {
  const text = (name: string): string => (typeof query[name] === 'string' ? query[name] : '')
  const before = text('before')
  return { reason: text('reason'), text: text('text'), before: /^\d{1,11}(\.\d+)?$/.test(before) ? before : '' }
}

/** What the broker is asked. */
export function which (form: Readonly<Form>): Which {
  return {
    ...(form.reason ? { reason: form.reason } : {}),
    ...(form.text ? { text: form.text } : {}),
    ...(form.before ? { before: Number(form.before) } : {}),
  }
}

/** Whether to read on for the reasons by itself, after so many letters with so many characters of texts. */
export const readsOn = (letters: number, characters: number): boolean => letters < ENOUGH && characters < MUCH

export interface Reason {
  reason: string
  count: number
  /** When the last one was given up. */
  last: number
}

/** The reasons for which letters were given up, the most frequent first. */
export function byReason (letters: readonly Letter[]): Reason[] {
  const found = new Map<string, Reason>()
  for (const { reason, at } of letters) {
    const known = found.get(reason)
    if (known === undefined) found.set(reason, { reason, count: 1, last: at })
    else {
      known.count++
      known.last = Math.max(known.last, at)
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason))
}

/** All groups that have dead letters, those with most first. */
export async function stricken (signal: AbortSignal): Promise<GroupView[]> {
  const found: GroupView[] = []
  let cursor: string | null = null
  do {
    const page: { groups: GroupView[], cursor: string | null } = await groups.all({ limit: 1_000, cursor }, signal)
    found.push(...page.groups.filter((group) => group.dead > 0))
    cursor = page.cursor
  } while (cursor !== null)
  return found.sort((a, b) => b.dead - a.dead)
}

/** A group whose letters are looked at. */
export interface Asked {
  topic: string
  group: string
}

/** Which group an address asks for: it may leave out the group, and the topic; undefined where that is none. */
export function asked (query: Readonly<Record<string, unknown>>, found: readonly GroupView[]): Asked | undefined {
  const { topic, group } = query
  if (typeof topic === 'string' && typeof group === 'string') return { topic, group }
  const first = typeof topic === 'string' ? found.find((one) => one.topic === topic) : undefined
  if (first !== undefined) return { topic: first.topic, group: first.name }
  return typeof topic !== 'string' && found[0] ? { topic: found[0].topic, group: found[0].name } : undefined
}

/** Letters to send again, or to discard. With `exactly`, only those of that very reason; with `codes`, only these. */
export interface Task {
  verb: 'send' | 'discard'
  topic: string
  group: string
  filter: Which
  exactly?: string
  codes?: readonly string[]
}

/**
 * No letters but those that are there when somebody is asked about them: where all of them are shown, those; else those that
 * were given up by `now`, unix seconds, and what is shown whatever the clocks say. What dies while a name is typed is not meant.
 */
export function bounded (filter: Which, shown: readonly Letter[], whole: boolean, now: number): Which {
  const last = shown.reduce((most, one) => Math.max(most, one.at), whole ? 0 : now)
  const after = (Math.round(last * 1_000) + 1) / 1_000 // `before` leaves out its own millisecond
  return { ...filter, before: Math.min(filter.before ?? Infinity, after) }
}

/**
 * A task of one reason. The broker looks into reasons; where another one holds this one too, or may among letters that are
 * not here yet, each letter is named in a request of its own: of many thousands that takes minutes.
 */
export function ofReason (task: Task, reason: string, all: readonly Reason[], whole: boolean): Task {
  const filter = { ...task.filter, ...(reason === '' ? {} : { reason: [...reason].slice(0, LONGEST).join('') }) }
  const alone = whole && filter.reason === reason && reason !== '' && all.every((one) => one.reason === reason || !one.reason.includes(reason))
  // What the form asks of the reason would be forgotten.
  return alone && !task.filter.reason ? { ...task, filter } : { ...task, filter, exactly: reason }
}

/** Do it. `on` is told how many more are done; `stop` is asked before each step. */
export async function carryOut (task: Task, on: (count: number) => void, stop: () => boolean): Promise<void> {
  if (task.codes !== undefined) return await abreast(task.codes, async (code) => on(await one(task, code)), stop)
  let cursor: string | null = null
  do {
    cursor = task.exactly === undefined ? await many(task, cursor, on) : await each(task, task.exactly, cursor, on, stop)
  } while (cursor !== null && !stop())
}

async function many ({ verb, topic, group, filter }: Task, cursor: string | null, on: (count: number) => void): Promise<string | null> {
  const bulk = { filter, limit: AT_ONCE, cursor }
  const done = await (verb === 'send' ? dead.sendMany(topic, group, bulk) : dead.removeMany(topic, group, bulk))
  on(done.count)
  return done.cursor
}

async function each (task: Task, reason: string, cursor: string | null, on: (count: number) => void, stop: () => boolean): Promise<string | null> {
  const page = await dead.list(task.topic, task.group, { ...task.filter, limit: PAGE, cursor })
  const codes = page.dead.filter((one) => one.reason === reason).map((one) => one.message.code)
  await abreast(codes, async (code) => on(await one(task, code)), stop)
  return page.cursor
}

/** Deal with one; 0 where somebody else has done so meanwhile. */
async function one ({ verb, topic, group }: Task, code: string): Promise<0 | 1> {
  try {
    await (verb === 'send' ? dead.send(topic, group, code) : dead.remove(topic, group, code))
    return 1
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 409)) return 0
    throw error
  }
}
