/** Names of topics, of patterns, and of what else is looked for; what tells members of groups apart. */
import type { MemberView } from '@/api'

/** Whether a name is a pattern: it has * as a level, or > as the last one. */
export const isPattern = (name: string): boolean => name.split('.').some((level, index, levels) => level === '*' || (level === '>' && index === levels.length - 1))

/** Whether a topic is one of a pattern's. */
export function matches (pattern: string, topic: string): boolean {
  const [levels, given] = [pattern.split('.'), topic.split('.')]
  const rest = levels.at(-1) === '>'
  const fixed = rest ? levels.slice(0, -1) : levels
  return (rest ? given.length > fixed.length : given.length === fixed.length) && fixed.every((level, index) => level === '*' || level === given[index])
}

/** Whether one of the texts has all the words in it, whatever their case. */
export function has (texts: readonly (string | null | undefined)[], words: string): boolean {
  const whole = texts.join('\n').toLowerCase()
  return words.toLowerCase().split(/\s+/).every((word) => whole.includes(word))
}

/** What tells a member from others, look by look: a connection may have two that are alike. `keys` counts those of one look. */
export function identity (member: MemberView, keys: Map<string, number>): string {
  const bare = [member.number, member.since, member.label, member.topic, member.group].join('\n')
  const twin = keys.get(bare) ?? 0
  keys.set(bare, twin + 1)
  return `${bare}\n${twin}`
}
