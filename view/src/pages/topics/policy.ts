/** Policies of topics, and configurations of groups, as forms. */
import type { GroupConfig, TopicPolicy } from '@/api'
import { readBytes, readSeconds } from '@/units'

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
