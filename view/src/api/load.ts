/** What a page shows of one question: it is asked when the page opens, again when the broker is back, or on demand. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { Gone, isAbort } from './errors'
import { returns } from './link'

export type Phase = 'loading' | 'ready' | 'error' | 'gone'

export interface Loaded<T> {
  /** What was told last; it stays while it is asked again, and when that fails. */
  data: ShallowRef<T | undefined>
  /** `loading` only while there is nothing yet. */
  phase: Ref<Phase>
  error: ShallowRef<Error | undefined>
  /** Whether it is being asked, the first time or again. */
  busy: Ref<boolean>
  /** Ask again; what was asked before is given up. */
  reload: () => Promise<void>
}

/** Ask now. `sources` are watched: when one changes what is shown is of something else, and begins anew. */
export function useLoad<T> (question: (signal: AbortSignal) => Promise<T>, sources: () => unknown = () => 0): Loaded<T> {
  const data = shallowRef<T>()
  const error = shallowRef<Error>()
  const phase = ref<Phase>('loading')
  const busy = ref(false)
  let asking: AbortController | undefined

  async function reload (): Promise<void> {
    asking?.abort()
    const mine = asking = new AbortController()
    busy.value = true
    try {
      const told = await question(mine.signal)
      if (mine.signal.aborted) return
      data.value = told
      error.value = undefined
      phase.value = 'ready'
    } catch (caught) {
      if (mine.signal.aborted || isAbort(caught)) return
      error.value = caught as Error
      phase.value = caught instanceof Gone ? 'gone' : 'error'
    } finally {
      if (asking === mine) busy.value = false
    }
  }

  watch(sources, () => {
    data.value = undefined
    phase.value = 'loading'
    void reload()
  })
  watch(returns, () => { void reload() })
  onScopeDispose(() => asking?.abort())
  void reload()
  return { data, phase, error, busy, reload }
}
