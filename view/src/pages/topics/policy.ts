/** Policies of topics, and configurations of groups, as forms. */
import type { GroupConfig, TopicPolicy } from '@/api'

/** `wait` is more than no seconds, `attempts` may be 0, `words` are one of a few. */
export type Kind = 'wait' | 'seconds' | 'count' | 'bytes' | 'attempts' | 'words'

export interface Rule {
  name: string
  kind: Kind
  words?: readonly string[]
}

/** A group's configuration, field by field. */
export const GROUP_RULES: readonly Rule[] = [
  { name: 'ackWait', kind: 'wait' },
  { name: 'maxAttempts', kind: 'attempts' },
  { name: 'backoff', kind: 'seconds' },
  { name: 'backoffMax', kind: 'seconds' },
  { name: 'choice', kind: 'words', words: ['random', 'roundRobin'] },
]

/** A topic's policy: its own fields, and what holds for groups that say nothing. */
export const TOPIC_RULES: readonly Rule[] = [
  { name: 'retention', kind: 'words', words: ['queue', 'log', 'none'] },
  { name: 'maxAge', kind: 'wait' },
  { name: 'maxMessages', kind: 'count' },
  { name: 'maxBytes', kind: 'bytes' },
  { name: 'overflow', kind: 'words', words: ['reject', 'dropOldest'] },
  { name: 'dedupWindow', kind: 'wait' },
  { name: 'durability', kind: 'words', words: ['memory', 'interval', 'fsync'] },
]

export type Policy = TopicPolicy & GroupConfig
type Value = string | number | boolean | null | undefined

/** One field of a policy. */
export const ruled = (policy: Policy, name: string): Value => (policy as Record<string, Value>)[name]

/** A policy as the texts of a form: what is not set is empty. */
export function asked (policy: Policy, rules: readonly Rule[]): Record<string, string> {
  return Object.fromEntries(rules.map(({ name }) => [name, String(ruled(policy, name) ?? '')]))
}

/** A form's texts as a policy, and the names of the fields that can't be read. */
export function answeredBy (texts: Readonly<Record<string, string>>, rules: readonly Rule[]): { policy: Policy, wrong: string[] } {
  const policy: Record<string, string | number> = {}
  const wrong: string[] = []
  for (const rule of rules) {
    const text = (texts[rule.name] ?? '').trim()
    if (text === '') continue
    const value = read(text, rule)
    if (value === undefined) wrong.push(rule.name)
    else policy[rule.name] = value
  }
  return { policy: policy as Policy, wrong }
}

const MOST_COUNT = 2 ** 53
const MOST_SECONDS = 100 * 366 * 86_400
const MOST_ATTEMPTS = 1_000_000

function read (text: string, { kind, words }: Rule): string | number | undefined {
  if (kind === 'words') return words?.includes(text) === true ? text : undefined
  if (kind === 'wait' || kind === 'seconds') {
    const seconds = readSeconds(text)
    return seconds === undefined || seconds > MOST_SECONDS || (kind === 'wait' && seconds === 0) ? undefined : seconds
  }
  const value = kind === 'bytes' ? readBytes(text) : /^\d+$/.test(text) ? Number(text) : undefined
  const [least, most] = kind === 'attempts' ? [0, MOST_ATTEMPTS] : [1, MOST_COUNT]
  return value === undefined || value < least || value > most ? undefined : value
}

const SECONDS: Record<string, number> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001, '': 1 }

/** Seconds, or with units: 90, 1.5, 2d, 1h 30m, 200 ms. */
export function readSeconds (text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*/gy)]
  if (parts.length === 0 || parts.map((one) => one[0]).join('') !== text) return undefined
  if (parts.length > 1 && parts.some((one) => one[2] === '')) return undefined
  const sum = parts.reduce((all, one) => all + Number(one[1]) * (SECONDS[one[2]!] ?? NaN), 0)
  return Number.isFinite(sum) ? sum : undefined
}

/** Bytes, or with a unit: 1048576, 1.5 MiB, 2g. */
export function readBytes (text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text)
  if (found === null) return undefined
  return Math.round(Number(found[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(found[2]!.toLowerCase()))
}
