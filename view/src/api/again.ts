/** What no event tells is read again when something has happened at the broker, and now and then. */
import { watch } from 'vue'
import { watchCounts, type Live } from './live'
import type { Loaded } from './load'
import { hidden } from './sight'
import type { NowView } from './types'

const EVERY = 2 // seconds
const IDLE = 5 // events after which it is read again although nothing has happened: somebody may have come or gone
const SHARE = 10 // it rests this many times as long as reading took, so that a broker of many topics is not kept busy

/** Read `loaded` again as the broker's counts go, while it is wanted. */
export function useClock (loaded: Loaded<unknown>, wanted: () => boolean = () => true): Live {
  let seen = ''
  let idle = 0
  let rest = 0 // until then, by performance.now()
  // Nobody looked: whatever is shown is old.
  watch(hidden, () => { seen = '' }, { flush: 'sync' })
  return watchCounts((now) => {
    const fresh = mark(now)
    if (hidden.value || !wanted() || loaded.busy.value || performance.now() < rest) return
    if (fresh === seen && ++idle < IDLE) return
    seen = fresh
    idle = 0
    const begun = performance.now()
    void loaded.reload().then(() => { rest = performance.now() + SHARE * (performance.now() - begun) - EVERY * 1_000 / 2 })
  }, { every: EVERY })
}

/** What changes when anything has happened to a message: two of the same need no second look. */
export function mark (now: NowView): string {
  const { published, delivered, acked, nacked, expired, dead, inFlight } = now.figures
  return [now.all, now.consumed, now.delayed, now.waiting, published, delivered, acked, nacked, expired, dead, inFlight].join()
}
