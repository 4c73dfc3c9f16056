/** What the key may do: asked of the broker when somebody signs in, again when it is back, and until it says so. */
import { shallowRef, watch } from 'vue'
import { node } from './broker'
import { Refused } from './errors'
import { wait } from './backoff'
import { returns } from './link'
import { key } from './session'
import type { Right } from './types'

const ALL: readonly Right[] = ['read', 'publish', 'consume', 'steer']
const BUSY = 429
const FAILED = 500 // refusals from this status on are of the moment

/** `asked` is how often the broker had come back when it said so. */
const known = shallowRef<{ key: string, rights: ReadonlySet<Right>, asked: number }>()

/** Whether a page should offer it; nothing is offered while the broker has not said. */
export function may (right: Right): boolean {
  return known.value !== undefined && known.value.key === key.value && known.value.rights.has(right)
}

/** Ask what this key may do. Rejects with Refused where there is no such key, or with Gone. */
export async function learn (shown: string): Promise<void> {
  const asked = returns.value
  known.value = { key: shown, rights: new Set(await told(shown)), asked }
}

/** A broker that does not know the question knows the key, and lets it do all. */
async function told (shown: string): Promise<readonly Right[]> {
  try {
    return (await node.key({ key: shown })).rights
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return ALL
    throw error
  }
}

/** Know what the key may do from now on, whatever becomes of it. */
export function keepLearning (): void {
  watch([key, returns], ([now, asked], _, onCleanup) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let over = false
    onCleanup(() => {
      over = true
      clearTimeout(timer)
    })
    async function ask (shown: string, attempt: number): Promise<void> {
      try {
        await learn(shown)
      } catch (error) {
        // A key that is not taken any more is found out by what the page asks; a broker that is away is, by whoever looks for it.
        if (over || !(error instanceof Refused) || !(error.status === BUSY || error.status >= FAILED)) return
        timer = setTimeout(() => { void ask(shown, attempt + 1) }, Math.max(wait(attempt), (error.retryAfter ?? 0) * 1_000))
      }
    }
    if (now !== null && !(known.value?.key === now && known.value.asked === asked)) void ask(now, 0)
  }, { immediate: true })
}
