/** Streams of the broker for pages: they begin with the page and end with it. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import type { Refused } from './errors'
import { address } from './http'
import { watch } from './sse'
import type { NowView, PassingView } from './types'

export interface Live {
  /** Whether the stream is there. */
  live: Ref<boolean>
  refused: ShallowRef<Refused | undefined>
  /** End it before the page does. */
  end: () => void
}

/** Watch the counts: of the node, and of these topics. */
export function watchCounts (on: (now: NowView) => void, { every = 1, topic = [] as readonly string[] } = {}): Live {
  return live(address(['events', 'counts'], { every, topic }), (data) => on(JSON.parse(data) as NowView))
}

/** Watch the messages of a topic, or of all that match a pattern. */
export function watchTopic (topic: string, on: (message: PassingView) => void): Live {
  return live(address(['events', 'topics', topic]), (data) => on(JSON.parse(data) as PassingView))
}

function live (url: string, on: (data: string) => void): Live {
  const end = new AbortController()
  const is = ref(false)
  const refused = shallowRef<Refused>()
  void watch(url, {
    on: (event) => on(event.data),
    live: (now) => { is.value = now },
    refused: (error) => { refused.value = error },
    signal: end.signal,
  })
  onScopeDispose(() => end.abort())
  return { live: is, refused, end: () => end.abort() }
}
