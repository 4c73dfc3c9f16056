/**
 * Whether the broker is there. Whoever asks it says so here when nobody answers; then /healthz is asked, later and
 * later, until somebody does. `returns` counts how often that was, and is what pages watch to read again.
 */
import { computed, ref, watch } from 'vue'
import { wait } from './backoff'
import { hidden, until } from './sight'

const HEALTH = 'healthz'
const PATIENCE = 5_000 // milliseconds that an answer may take

const lost = ref(false)

/** Whether nobody answers. */
export const gone = computed(() => lost.value)

/** How often the broker came back. */
export const returns = ref(0)

/** When it is asked again, by `Date.now()`; 0 while it is being asked. */
export const nextLook = ref(0)

let attempt = 0
let timer: ReturnType<typeof setTimeout> | undefined

/** Nobody answered. */
export function broken (): void {
  if (lost.value) return
  lost.value = true
  attempt = 0
  plan()
}

/** Somebody answered. */
export function answered (): void {
  if (!lost.value) return
  clearTimeout(timer)
  lost.value = false
  returns.value++
}

/** Ask now. */
export async function look (): Promise<void> {
  clearTimeout(timer)
  nextLook.value = 0
  try {
    const answer = await fetch(HEALTH, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) })
    // A proxy in front of a broker that is away answers too, and means it.
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
    answered()
  } catch {
    if (lost.value) plan()
  }
}

/** Resolves once the broker is there; at once where it is. */
export const here = (signal?: AbortSignal): Promise<void> => until(() => !lost.value, signal)

// A tab that nobody sees does not ask; it does so first of all when somebody looks again.
watch(hidden, (is) => { if (!is && lost.value) void look() }, { flush: 'sync' })

function plan (): void {
  clearTimeout(timer)
  const pause = wait(attempt++)
  nextLook.value = Date.now() + pause
  timer = setTimeout(() => { if (!hidden.value) void look() }, pause)
}
