/** What the key may do: asked of the broker when somebody signs in, and again when it is back. */
import { shallowRef, watch } from 'vue'
import { node } from './broker'
import { Refused } from './errors'
import { returns } from './link'
import { key } from './session'
import type { Right } from './types'

const ALL: readonly Right[] = ['read', 'publish', 'consume', 'steer']

/** `asked` is how often the broker had come back when it said so. */
const known = shallowRef<{ key: string, rights: ReadonlySet<Right>, asked: number }>()

/** Whether a page should offer it; nothing is offered while the broker has not said. */
export function may (right: Right): boolean {
  return known.value !== undefined && known.value.key === key.value && known.value.rights.has(right)
}

/** Ask what this key may do. Rejects with Refused where there is no such key, or with Gone. */
export async function learn (shown: string): Promise<void> {
  const asked = returns.value
  const { rights } = await node.key({ key: shown })
  known.value = { key: shown, rights: new Set(rights), asked }
}

/** Know what the key may do from now on, whatever becomes of it. */
export function keepLearning (): void {
  watch([key, returns], async ([now, asked]) => {
    if (now === null || (known.value?.key === now && known.value.asked === asked)) return
    try {
      await learn(now)
    } catch (error) {
      // A key that is not taken any more is found out by what the page asks; whoever can't say what it may is asked for it.
      if (error instanceof Refused && error.status !== 401) known.value = { key: now, rights: new Set(ALL), asked }
    }
  }, { immediate: true })
}
