/** What the messages page reckons: its form, as it stands in the address and as the broker is asked; what is done to many. */
import { dead, messages, Refused, type MessageView, type Search, type Status } from '@/api'
import { beginning, nextLimit } from '@/message/message'
import { abreast, type Steps, type Verb } from '@/work'

export const STATUSES = ['waiting', 'delayed', 'consumed', 'dead'] as const

/** Periods to choose from, in seconds before now. */
export const PERIODS = ['900', '3600', '86400', '604800'] as const
export const BETWEEN = 'between'

/** The form. `from` and `to` are unix seconds as text; `period` is one of PERIODS, BETWEEN, or empty for all time. */
export interface Form {
  code: string
  topic: string
  status: Status | ''
  period: string
  from: string
  to: string
  text: string
  key: string
  header: string
}

export const BLANK: Readonly<Form> = { code: '', topic: '', status: '', period: '', from: '', to: '', text: '', key: '', header: '' }

/** Read the form from an address; what is not understood is left out. */
export function fromQuery (query: Readonly<Record<string, unknown>>): Form {
  const form: Form = { ...BLANK }
  for (const name of Object.keys(BLANK) as (keyof Form)[]) {
    const value = query[name]
    if (typeof value === 'string') (form as unknown as Record<string, string>)[name] = value
  }
  if (!(STATUSES as readonly string[]).includes(form.status)) form.status = ''
  for (const name of ['from', 'to'] as const) if (!/^\d{1,11}(\.\d+)?$/.test(form[name])) form[name] = ''
  if (form.from || form.to) form.period = BETWEEN
  else if (!(PERIODS as readonly string[]).includes(form.period)) form.period = ''
  return form
}

/** Write the form into an address. A code stands alone: there is one message of it. */
export function toQuery (form: Readonly<Form>): Record<string, string> {
  const code = form.code.trim()
  if (code) return { code }
  const between = form.period === BETWEEN
  const kept = { ...form, code: '', period: between ? '' : form.period, from: between ? form.from : '', to: between ? form.to : '' }
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== ''))
}

/** What the broker is asked. `now` is unix seconds. */
export function search (form: Readonly<Form>, now: number): Search {
  const asked: Search = {}
  if (form.topic) asked.topic = form.topic
  if (form.status) asked.status = form.status
  if (form.text) asked.text = form.text
  if (form.key) asked.key = form.key
  if (form.header) asked.header = form.header
  if (form.period === BETWEEN) {
    if (form.from) asked.from = Number(form.from)
    if (form.to) asked.to = Number(form.to)
  } else if (form.period) {
    asked.from = Math.max(0, now - Number(form.period))
  }
  return asked
}

/** A message as the table shows it. */
export interface Line {
  code: string
  topic: string
  status: Status
  createTime: number
  key: string
  text: string
}

export const line = (message: MessageView): Line => ({
  code: message.code,
  topic: message.topic,
  status: message.status,
  createTime: message.createTime,
  key: message.key ?? '',
  text: beginning(message.data),
})

/** Cut a list into pieces of a size: the API takes so many codes at once. */
export const pieces = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))

// ------------------------------------------------------------------------------------------------ what is done to many
const AT_ONCE = 500 // codes in one request: the bar moves, and stopping takes no longer than that

/** Delete these. `gone` is told of those that are. */
export const removing = (codes: readonly string[], gone: (codes: readonly string[]) => void): Steps => async (on, stop) => {
  for (const some of pieces(codes, AT_ONCE)) {
    if (stop()) return
    on((await messages.removeMany(some)).count)
    gone(some)
  }
}

/** Delete all that a search finds. What comes meanwhile is not meant. */
export const removingFound = (asked: Search): Steps => async (on, stop) => {
  let cursor: string | null = null
  let limit = nextLimit([])
  do {
    const page: { messages: MessageView[], cursor: string | null } = await messages.search({ ...asked, cursor, limit })
    limit = nextLimit(page.messages.map((one) => one.data.length), limit)
    if (page.messages.length > 0 && !stop()) on((await messages.removeMany(page.messages.map((one) => one.code))).count)
    cursor = page.cursor
  } while (cursor !== null && !stop())
}

/** Send these again to all groups that gave them up. Those that no group has given up are passed over. */
export const resending = (codes: readonly string[]): Steps => async (on, stop) => {
  await abreast(codes, async (code) => {
    const sent = await resend(code)
    if (sent) on(1)
  }, stop)
}

/** What a dialog asks about. It means what was there when it opened, whatever becomes of the page beneath it. */
export interface Deed {
  kind: 'send' | 'picked' | 'found'
  verb: Verb
  /** How many; undefined where nobody knows. */
  total: number | undefined
  /** What has to be typed; nothing where a button will do. */
  typed: string | undefined
  /** What is searched for, of `found`. */
  form: Readonly<Form> | undefined
  /** Do it; `gone` is told of those that are deleted one by one. */
  steps: (gone: (codes: readonly string[]) => void) => Steps
}

/** Delete these. One is soon deleted; how many there are of more has to be typed. */
export function deletion (picked: Iterable<string>): Deed {
  const codes = [...picked]
  return {
    kind: 'picked', verb: 'remove', total: codes.length, typed: codes.length === 1 ? undefined : String(codes.length), form: undefined,
    steps: (gone) => removing(codes, gone),
  }
}

/** Send these again. */
export function sending (picked: Iterable<string>): Deed {
  const codes = [...picked]
  return { kind: 'send', verb: 'send', total: codes.length, typed: undefined, form: undefined, steps: () => resending(codes) }
}

/** Delete all that a form finds, as the broker was `asked`, and that are there `now`; `word` is typed where it names no topic. */
export function clearing (form: Readonly<Form>, asked: Readonly<Search>, now: number, word: string): Deed {
  const [mine, search] = [{ ...form }, { ...asked, to: Math.min(asked.to ?? Infinity, now) }]
  return { kind: 'found', verb: 'remove', total: undefined, typed: form.topic || word, form: mine, steps: () => removingFound(search) }
}

/** Pick a row, or leave it out again; with `last` all from that one on, where it is still there. */
export function picking (codes: readonly string[], picked: ReadonlySet<string>, code: string, last?: string): Set<string> {
  const now = new Set(picked)
  const add = !now.has(code)
  const at = codes.indexOf(code)
  const from = last === undefined ? -1 : codes.indexOf(last)
  const [first, end] = from < 0 ? [at, at] : [Math.min(at, from), Math.max(at, from)]
  for (const one of codes.slice(first, end + 1)) {
    if (add) now.add(one)
    else now.delete(one)
  }
  return now
}

async function resend (code: string): Promise<boolean> {
  try {
    const { message, groups } = await messages.life(code)
    const given = groups.filter((one) => one.state === 'dead')
    for (const { group } of given) await dead.send(message.topic, group, code)
    return given.length > 0
  } catch (error) {
    // Somebody else was faster.
    if (error instanceof Refused && (error.status === 404 || error.status === 409)) return false
    throw error
  }
}
