/** English and Chinese: as the browser asks for, or as was chosen here before. */
import { createI18n } from 'vue-i18n'
import { ref } from 'vue'

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

/** Show this language. */
export async function show (chosen: Locale): Promise<void> {
  const { default: texts } = await TEXTS[chosen]()
  i18n.global.setLocaleMessage(chosen, texts)
  i18n.global.locale.value = chosen
  locale.value = chosen
  document.documentElement.lang = chosen === 'zh' ? 'zh-Hans' : chosen
}

/** Show this language, also next time. */
export async function choose (chosen: Locale): Promise<void> {
  localStorage.setItem(PLACE, chosen)
  await show(chosen)
}

/** Show what was chosen before, or what the browser asks for. */
export function begin (): Promise<void> {
  const chosen = localStorage.getItem(PLACE)
  return show(pick(chosen === null ? navigator.languages : [chosen]))
}
