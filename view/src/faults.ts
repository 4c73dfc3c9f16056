/** What went wrong, in the reader's language: the broker's own words are English, and go with it. */
import { Gone } from '@/api/errors'
import { i18n } from '@/i18n'

/** Say it. What a page itself complains of is said as it is. */
export function faultText (error: unknown): string {
  const { t, te } = i18n.global
  if (error instanceof Gone) return t('states.unanswered')
  if (!(error instanceof Error)) return String(error ?? '')
  // Of the API, or of v2: both name what they refuse alike.
  const { code, message, retryAfter } = error as Error & { code?: unknown, retryAfter?: unknown }
  const name = `states.fault.${String(code)}`
  const why = typeof code === 'string' && te(name) ? t('states.refused', { what: t(name), message }) : message
  return typeof retryAfter === 'number' ? `${why} ${t('states.retryAfter', { seconds: Math.ceil(retryAfter) })}` : why
}
