/** What the page of dead letters reckons: reasons, and how many letters are dealt with, some at a time. */
import { dead, groups, Refused, type DeadView, type GroupView, type Which } from '@/api'
import { beginning } from './messages'

const AT_ONCE = 200 // letters in one request: the bar moves, and stopping takes no longer than that
const PAGE = 500
const ABREAST = 8 // letters that are dealt with one by one, at the same time
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

/** Letters to send again, or to discard. With `exactly`, only those of that very reason. */
export interface Task {
  verb: 'send' | 'remove'
  topic: string
  group: string
  filter: Which
  exactly?: string
}

/** A task of one reason. The broker looks into reasons; where another one holds this one too, each letter is named. */
export function ofReason (task: Task, reason: string, all: readonly Reason[], whole: boolean): Task {
  const filter = { ...task.filter, ...(reason === '' ? {} : { reason: [...reason].slice(0, LONGEST).join('') }) }
  const alone = whole && filter.reason === reason && reason !== '' && all.every((one) => one.reason === reason || !one.reason.includes(reason))
  // What the form asks of the reason would be forgotten.
  return alone && !task.filter.reason ? { ...task, filter } : { ...task, filter, exactly: reason }
}

/** Do it. `on` is told how many more are done; `stop` is asked before each step. */
export async function carryOut (task: Task, on: (count: number) => void, stop: () => boolean): Promise<void> {
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
  const worker = async (): Promise<void> => {
    for (let code = codes.shift(); code !== undefined && !stop(); code = codes.shift()) on(await one(task, code))
  }
  await Promise.all(Array.from({ length: ABREAST }, worker))
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
