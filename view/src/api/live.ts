/**
 * Streams of the broker for pages: they begin with the page and end with it. Counts that two parts of a page watch come
 * in one.
 */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import type { Refused } from './errors'
import { address } from './http'
import { watch } from './sse'
import type { NowView } from './types'

export interface Live {
  /** Whether the stream is there. */
  live: Ref<boolean>
  refused: ShallowRef<Refused | undefined>
  /** End it before the page does. */
  end: () => void
}

/** A stream of counts, which ends with the last who watches it. */
interface Counts extends Live {
  every: number
  topic: readonly string[]
  last: NowView | undefined
  told: Set<(now: NowView) => void>
}

const open = new Set<Counts>()

/** Watch the counts: of the node, and of these topics. They may come half as often where others watch them already. */
export function watchCounts (on: (now: NowView) => void, { every = 1, topic = [] as readonly string[] } = {}): Live {
  const found = [...open].find((one) => one.every >= every && one.every <= 2 * every && (topic.length === 0 || topic.join('\n') === one.topic.join('\n')))
  const counts = found ?? begin(every, topic)
  const mine = (now: NowView): void => on(now) // twice the same is two who watch
  counts.told.add(mine)
  // What was told last is for whoever comes later, too; not before his page is made.
  queueMicrotask(() => { if (counts.last !== undefined && counts.told.has(mine) && found !== undefined) on(counts.last) })
  const end = (): void => {
    if (counts.told.delete(mine) && counts.told.size === 0) counts.end()
  }
  onScopeDispose(end)
  return { live: counts.live, refused: counts.refused, end }
}

function begin (every: number, topic: readonly string[]): Counts {
  const stream = live(address(['events', 'counts'], { every, topic }), (data) => {
    const now = counts.last = JSON.parse(data) as NowView
    for (const on of [...counts.told]) on(now)
  }, () => { open.delete(counts) })
  const end = (): void => {
    open.delete(counts)
    stream.end()
  }
  const counts: Counts = { ...stream, every, topic, last: undefined, told: new Set(), end }
  open.add(counts)
  return counts
}

function live (url: string, on: (data: string) => void, over: () => void): Live {
  const end = new AbortController()
  const is = ref(false)
  const refused = shallowRef<Refused>()
  void watch(url, {
    on: (event) => on(event.data),
    live: (now) => { is.value = now },
    refused: (error) => {
      refused.value = error
      over()
    },
    signal: end.signal,
  })
  return { live: is, refused, end: () => end.abort() }
}
