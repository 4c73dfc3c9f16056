/** Times as people ask for them: how long ago that was, and when. */
import { computed, onScopeDispose, ref, type Ref } from 'vue'
import { brokerNow } from '@/api/clock'
import { locale } from '@/i18n'

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]] as const
const EVERY = 5_000 // milliseconds

const relative = computed(() => new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto', style: 'short' }))
const ofToday = computed(() => new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium' }))
const ofOther = computed(() => new Intl.DateTimeFormat(locale.value, { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }))

/** How far a time is from now, in the largest unit that fits: 5 min. ago, in 2 hr. Both are unix seconds. */
export function ago (at: number, now: number): string {
  const far = at - now
  const [unit, size] = UNITS.find(([, seconds]) => Math.abs(far) >= seconds) ?? UNITS[3]
  return relative.value.format(Math.trunc(far / size), unit)
}

/** A time in few letters: without its day where that is today. */
export function stamp (at: number, now: number): string {
  const [then, today] = [new Date(at * 1_000), new Date(now * 1_000)]
  return (then.toDateString() === today.toDateString() ? ofToday : ofOther).value.format(then)
}

// One clock for all times of a page: it runs while somebody looks at it, and is put right as soon as the broker's is known.
const ticks = ref(0)
const now = computed(() => {
  void ticks.value
  return brokerNow()
})
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Now, in unix seconds of the broker, to within a few of them. */
export function useNow (): Readonly<Ref<number>> {
  if (watchers++ === 0) {
    ticks.value++
    timer = setInterval(() => { ticks.value++ }, EVERY)
  }
  onScopeDispose(() => { if (--watchers === 0) clearInterval(timer) })
  return now
}
