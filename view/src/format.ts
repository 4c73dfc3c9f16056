/** Numbers, sizes and times as people read them, in the language of the page. */
import { computed } from 'vue'
import { locale } from './i18n'

const DAY = 86_400
const HOUR = 3_600
const MINUTE = 60
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

const whole = computed(() => new Intl.NumberFormat(locale.value, { maximumFractionDigits: 0 }))
const short = computed(() => new Intl.NumberFormat(locale.value, { notation: 'compact', maximumFractionDigits: 1 }))
const near = computed(() => new Intl.NumberFormat(locale.value, { maximumSignificantDigits: 3 }))
const moment = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: 'medium', timeStyle: 'medium' }))
const clock = computed(() => new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium' }))

/** A count, to the last digit: 12,345. */
export const number = (value: number): string => whole.value.format(value)

/** A count that need not be exact: 12.3K. */
export const compact = (value: number): string => (value < 10_000 ? near.value : short.value).format(value)

/** Bytes: 1.5 MiB. */
export function bytes (value: number): string {
  const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10))
  return `${near.value.format(value / 1024 ** power)} ${UNITS[power]}`
}

// Of days, hours, minutes and seconds together; and of seconds, and milliseconds, alone.
const SPANS = {
  en: { day: 'd', hour: 'h', minute: 'm', second: 's', seconds: ' s', milliseconds: ' ms' },
  zh: { day: ' 天', hour: ' 小时', minute: ' 分', second: ' 秒', seconds: ' 秒', milliseconds: ' 毫秒' },
} as const

/** Seconds, in the two units that matter: 3d 4h, 5m 6s, 1.5 s, 12 ms; 5 分 6 秒 in Chinese. */
export function duration (seconds: number): string {
  const names = SPANS[locale.value]
  if (seconds > 0 && seconds < 1) return near.value.format(seconds * 1_000) + names.milliseconds
  if (seconds < MINUTE) return near.value.format(seconds) + names.seconds
  const [unit, small, first, second] = seconds >= DAY
    ? [DAY, HOUR, names.day, names.hour] as const
    : seconds >= HOUR ? [HOUR, MINUTE, names.hour, names.minute] as const : [MINUTE, 1, names.minute, names.second] as const
  const large = Math.floor(seconds / unit)
  const rest = Math.floor((seconds % unit) / small)
  return `${large}${first}` + (rest > 0 ? ` ${rest}${second}` : '')
}

/** A point of time, unix seconds, with its date. */
export const time = (seconds: number): string => moment.value.format(seconds * 1_000)

/** A point of time of today. */
export const hours = (seconds: number): string => clock.value.format(seconds * 1_000)
