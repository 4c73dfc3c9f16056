/** The form that publishes: what it holds, what is wrong with that, and the message that it makes. */
import { reactive, watch } from 'vue'
import type { Full } from '@/api'
import { key, signedOut } from '@/api/session'
import { isPattern } from '@/names'

export const UNITS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const
export type Unit = keyof typeof UNITS

export interface Header {
  id: number
  name: string
  value: string
}

/** Numbers and times are as they were typed. `at` is a local time, as `<input type="datetime-local">` gives it. */
export interface Form {
  topic: string
  data: string
  format: 'text' | 'json'
  when: 'now' | 'after' | 'at'
  delay: string
  unit: Unit
  at: string
  key: string
  expire: string
  headers: Header[]
}

/** By field, the text that says so. What only the broker can know it says itself. */
export type Faults = Partial<Record<'topic' | 'delay' | 'at' | 'expire' | 'headers', 'badTopic' | 'badDelay' | 'badTime' | 'badExpire' | 'badHeaders'>>

export const blank = (topic = ''): Form => ({
  topic, data: '', format: 'text', when: 'now', delay: '10', unit: 'seconds', at: '', key: '', expire: '', headers: [],
})

/** What was published here. `durable` is how safely. */
export interface Sent {
  serial: number
  code: string
  topic: string
  duplicate: boolean
  durable: string
  due: number | undefined
}

/** What the live tail is asked for. */
export interface Tailed {
  topic: string
  how: 'listen' | 'take'
  group: string
  start: 'new' | 'all'
  credit: number
}

/** What outlives the page, so that who looks elsewhere finds it again; until he signs out. */
export interface Kept {
  form: Form
  sent: readonly Sent[]
  tailed: Tailed
}

const fresh = (): Kept => ({ form: blank(), sent: [], tailed: { topic: '', how: 'listen', group: 'console', start: 'new', credit: 10 } })

export const kept = reactive(fresh())
watch(key, (now) => { if (now === null && signedOut.value === 'asked') Object.assign(kept, fresh()) }, { flush: 'sync' })

/** What is wrong with the fields that are in use. */
export function faults (form: Form): Faults {
  const found: Faults = {}
  if (isPattern(form.topic)) found.topic = 'badTopic'
  if (form.when === 'after' && !(amount(form.delay) >= 0)) found.delay = 'badDelay'
  if (form.when === 'at' && Number.isNaN(moment(form.at))) found.at = 'badTime'
  if (String(form.expire).trim() !== '' && !(amount(form.expire) > 0)) found.expire = 'badExpire'
  const names = used(form).map((one) => one.name)
  if (names.includes('') || new Set(names).size < names.length) found.headers = 'badHeaders'
  return found
}

/** The message. JSON goes as the text that was typed, so that large numbers stay as they are. */
export function message (form: Form): Full {
  const made: Full = { data: form.data }
  if (form.when === 'after') made.delay = amount(form.delay) * UNITS[form.unit]
  if (form.when === 'at') made.at = moment(form.at)
  if (String(form.expire).trim() !== '') made.expire = amount(form.expire)
  if (form.key !== '') made.key = form.key
  if (used(form).length > 0) made.headers = Object.fromEntries(used(form).map((one) => [one.name, one.value]))
  return made
}

/** When it is due, unix seconds; undefined for at once. */
export function due (made: Full, now: number): number | undefined {
  return made.at ?? (made.delay === undefined || made.delay === 0 ? undefined : now + made.delay)
}

// A field of numbers gives a number where it can, whatever its model says.
const amount = (typed: string | number): number => (String(typed).trim() === '' ? NaN : Number(typed))
const moment = (typed: string): number => new Date(typed).getTime() / 1_000
const used = (form: Form): Header[] => form.headers.filter((one) => one.name !== '' || one.value !== '')
