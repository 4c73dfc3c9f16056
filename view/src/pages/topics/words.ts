/** What policies say, in words. */
import { useI18n } from 'vue-i18n'
import { bytes, duration, number } from '@/format'
import { ruled, type Policy, type Rule } from './policy'

type Value = ReturnType<typeof ruled>

export interface PolicyWords {
  /** One of the words that a field may have. */
  word: (name: string) => string
  /** A field's value. */
  shown: (rule: Rule, value: Value) => string
  /** All fields that are set, in a line. */
  summary: (policy: Policy, rules: readonly Rule[]) => string
}

export function usePolicyWords (): PolicyWords {
  const { t } = useI18n()
  const word = (name: string): string => t(`topic.words.${name}`)

  function shown ({ kind, name }: Rule, value: Value): string {
    if (value === null || value === undefined) return t('topic.unlimited')
    if (typeof value !== 'number') return word(String(value))
    if (name === 'maxAttempts' && value === 0) return t('topic.forEver')
    if (kind === 'bytes') return bytes(value)
    return kind === 'wait' || kind === 'seconds' ? duration(value) : number(value)
  }

  function summary (policy: Policy, rules: readonly Rule[]): string {
    return rules
      .filter((rule) => (ruled(policy, rule.name) ?? null) !== null)
      .map((rule) => `${t(`topic.rules.${rule.name}`)}: ${shown(rule, ruled(policy, rule.name))}`)
      .join(' · ')
  }

  return { word, shown, summary }
}
