/** English and Chinese: as the browser asks for, or as was chosen here before. */
import { createI18n } from 'vue-i18n'
import { ref, triggerRef } from 'vue'
import { say } from '@/notices'

export const LOCALES = { en: 'English', zh: '中文' } as const
export type Locale = keyof typeof LOCALES

/** A translation has the keys of the English text, no more and no fewer. */
export type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> }

const PLACE = 'kapokmq.language'

// Either comes when it is asked for.
const TEXTS = { en: () => import('./en'), zh: () => import('./zh') }

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: {} })

/** The language that is shown. */
export const locale = ref<Locale>('en')

/** The first of these languages that there is. */
export function pick (wanted: readonly string[]): Locale {
  const found = wanted.map((one) => one.toLowerCase().split('-')[0]).find((one) => one !== undefined && one in LOCALES)
  return (found as Locale | undefined) ?? 'en'
}

let wanted: Locale = 'en'

/** Show this language, once its texts are here and unless another was chosen meanwhile. */
export async function show (chosen: Locale): Promise<void> {
  wanted = chosen
  const { default: texts } = await TEXTS[chosen]()
  if (wanted !== chosen) return
  i18n.global.setLocaleMessage(chosen, texts)
  i18n.global.locale.value = chosen
  locale.value = chosen
  document.documentElement.lang = chosen === 'zh' ? 'zh-Hans' : chosen
}

/** Show this language, also next time. Where its texts don't come, that is said, and nothing changes. */
export async function choose (chosen: Locale): Promise<void> {
  try {
    await show(chosen)
    if (locale.value === chosen) localStorage.setItem(PLACE, chosen)
  } catch {
    say((i18n.global.t as (key: string) => string)('app.noLanguage'), 'bad')
    triggerRef(locale) // the menu is at the other one
  }
}

/** Show what was chosen before, or what the browser asks for. */
export function begin (): Promise<void> {
  const chosen = localStorage.getItem(PLACE)
  return show(pick(chosen === null ? navigator.languages : [chosen]))
}
