/**
 * Rows that stay where they are while somebody points at them: nothing may jump away from under a mouse that is about to
 * click, or from a key. What a row tells stays live; its place, and which rows there are, wait until it has been quiet.
 */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'

const REST = 4_000 // milliseconds without a move or a key

/** A row: as it is `now`, and as it was `then`, when it got its place: tables sort by that. */
export interface Kept<T> {
  key: string | number
  now: T
  then: T
  /** Whether it has gone since. */
  gone: boolean
}

/** Bring rows up to date: while they are held, those that were there keep their places, and new ones wait. */
export function keep<T> (before: readonly Kept<T>[], fresh: readonly T[], key: (row: T) => string | number, held: boolean): Kept<T>[] {
  if (!held) return fresh.map((row) => ({ key: key(row), now: row, then: row, gone: false }))
  const found = new Map(fresh.map((row) => [key(row), row]))
  return before.map((one) => {
    const now = found.get(one.key)
    return now === undefined ? { ...one, gone: true } : { ...one, now, gone: false }
  })
}

export interface Calm<T> {
  rows: ShallowRef<readonly Kept<T>[]>
  /** How many rows wait to be shown. */
  fresh: ComputedRef<number>
  /** For `v-on` of what holds the rows. */
  on: Record<string, () => void>
  /** Show all as it is, now. */
  release: () => void
}

/** Watch rows, and keep them in their places from a move or a key on until some seconds after the last. */
export function useCalm<T> (source: () => readonly T[], key: (row: T) => string | number): Calm<T> {
  const rows = shallowRef<readonly Kept<T>[]>([])
  const held = ref(false)
  let rest: ReturnType<typeof setTimeout> | undefined

  const update = (): void => { rows.value = keep(rows.value, source(), key, held.value && rows.value.length > 0) }
  function hold (): void {
    clearTimeout(rest)
    held.value = true
    rest = setTimeout(release, REST)
  }
  function release (): void {
    clearTimeout(rest)
    held.value = false
    update()
  }

  watch(source, update, { immediate: true })
  onScopeDispose(() => clearTimeout(rest))
  const known = computed(() => new Set(rows.value.map((row) => row.key)))
  return {
    rows,
    fresh: computed(() => source().filter((row) => !known.value.has(key(row))).length),
    on: { pointermove: hold, pointerdown: hold, keydown: hold, pointerleave: release },
    release,
  }
}
