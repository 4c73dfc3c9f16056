/**
 * Whether anybody can see this tab. One that is behind others holds no stream and reads nothing again: a browser has but
 * six connections to a broker, for all its tabs together.
 */
import { computed, effectScope, shallowRef, watch } from 'vue'

const state = shallowRef(document.visibilityState)
document.addEventListener('visibilitychange', () => { state.value = document.visibilityState })

/** Whether it is behind others. */
export const hidden = computed(() => state.value === 'hidden')

/** Resolves as soon as this is so, at once where it is; or once the signal says that nobody wants to know any more. */
export function until (is: () => boolean, signal?: AbortSignal): Promise<void> {
  if (is() || signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const scope = effectScope(true) // whoever asked first may be gone before the others
    const done = (): void => {
      scope.stop()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    scope.run(() => watch(is, (now) => { if (now) done() }, { flush: 'sync' }))
    signal?.addEventListener('abort', done)
  })
}
