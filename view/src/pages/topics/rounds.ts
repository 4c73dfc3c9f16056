/**
 * One round of questions after the other, for what no event tells: the next one begins when something has happened, or after a
 * while, and after a rest that grows with what the last one took and brought. The stream that tells when something has
 * happened also tells the counts of some topics.
 */
import { effectScope, onScopeDispose, ref, shallowRef, watch, type EffectScope } from 'vue'
import { watchCounts, type Live, type Loaded, type NowView } from '@/api'

const EVERY = 2 // seconds
const IDLE = 10_000 // milliseconds after which it is asked again although nothing has happened: somebody may have come or gone
const SHARE = 10 // it rests this many times as long as asking took, so that a broker of many topics is not kept busy
const A_ROW = 2.5 // milliseconds that it rests for each row that came
const MOST = 60_000
const MOST_NAMED = 100 // topics that one stream tells of
const MOST_TEXT = 8_000 // characters of their names in an address
const SETTLED = 300 // milliseconds for which nobody has typed
const APART = 10_000 // milliseconds between two streams that tell of the same in part: what is in sight may change with each event

/** How many milliseconds to rest after a round that took so many, and brought so many rows. */
export function rest (took: number, rows: number): number {
  return Math.max(EVERY * 1_000, Math.min(MOST, Math.max(SHARE * took, A_ROW * rows)))
}

/** Those of these names that one stream can tell of. */
export function nameable (names: readonly string[]): string[] {
  const some: string[] = []
  let text = 0
  for (const name of names) {
    text += encodeURIComponent(name).length + '&topic='.length
    if (some.length === MOST_NAMED || text > MOST_TEXT) break
    some.push(name)
  }
  return some
}

export interface Rounds {
  /** The topics that the stream tells of; undefined: that is not known yet, and there is no stream. */
  names: () => readonly string[] | undefined
  /** How many rows the last round brought. */
  rows: () => number
  /** What is the same as long as nothing has happened. */
  mark: (now: NowView) => string
  /** Each event, before anything is asked, and the topics that it was to tell of. */
  told?: (now: NowView, asked: readonly string[]) => void
  wanted?: () => boolean
  /** Ask. */
  again: (now: NowView) => void
}

/** Ask round by round. A round that somebody else began counts, too. */
export function useRounds (loaded: Loaded<unknown>, { names, rows, mark, told, wanted, again }: Rounds): Live {
  let seen = ''
  let begun = 0 // by performance.now(), as all that follow
  let next = 0
  watch(loaded.busy, (busy) => {
    const at = performance.now()
    if (busy) begun = at
    else next = at + rest(at - begun, rows()) - EVERY * 1_000 / 2 // which may come a little early
  }, { immediate: true, flush: 'sync' })
  return watchSome(names, (now, asked) => {
    told?.(now, asked)
    const fresh = mark(now)
    const at = performance.now()
    if (loaded.busy.value || wanted?.() === false || at < next || (fresh === seen && at - begun < IDLE)) return
    seen = fresh
    again(now)
  })
}

/** Rest when nobody tells anything any more, and once somebody does again: what was read meanwhile is of neither time. */
export function restWhileAway (live: Live['live'], rest: () => void): void {
  let away = false
  watch(live, (is) => {
    if (!is || away) rest()
    away = !is
  }, { flush: 'sync' })
}

/** Watch the counts, of these topics too. Where they change there is another stream, and the old one goes once that has begun. */
export function watchSome (names: () => readonly string[] | undefined, on: (now: NowView, asked: readonly string[]) => void): Live {
  const live = ref(false)
  const refused: Live['refused'] = shallowRef()
  let steady: EffectScope | undefined // it has told something
  let fresh: EffectScope | undefined
  let asked: readonly string[] | undefined
  let began = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined

  function begin (): void {
    const topic = nameable(names() ?? [])
    if (asked !== undefined && topic.every((name) => asked!.includes(name))) return
    asked = topic
    began = performance.now()
    fresh?.stop()
    const mine = fresh = effectScope(true)
    mine.run(() => {
      const stream = watchCounts((now) => {
        if (fresh === mine) {
          steady?.stop()
          steady = mine
          fresh = undefined
        }
        on(now, topic)
      }, { every: EVERY, topic })
      if (stream.live.value) live.value = true // somebody else watches the same
      watch(stream.live, (is) => { live.value = is }, { flush: 'sync' })
      watch(stream.refused, (error) => { refused.value = error }, { flush: 'sync' })
    })
  }
  function end (): void {
    clearTimeout(timer)
    stop()
    steady?.stop()
    fresh?.stop()
  }

  const stop = watch(() => names()?.join('\n'), (now) => {
    clearTimeout(timer)
    if (now === undefined) return
    if (asked === undefined) return begin()
    const alike = names()?.some((name) => asked!.includes(name))
    timer = setTimeout(begin, alike ? Math.max(SETTLED, began + APART - performance.now()) : SETTLED)
  }, { immediate: true, flush: 'sync' })
  onScopeDispose(end)
  return { live, refused, end }
}
