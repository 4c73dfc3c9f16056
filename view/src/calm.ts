/**
 * Rows that stay where they are while somebody points at them: nothing may jump away from under a mouse that is about to
 * click, or from a key. What a row tells stays live; its place waits until it has been quiet.
 */
import { onScopeDispose, ref, shallowRef, watch, type ShallowRef } from 'vue'

const REST = 4_000 // milliseconds without a move or a key

type Key = string | number

/** Rows in their places, and the keys of those that have gone since. */
export interface Placed<T> {
  rows: readonly T[]
  gone: ReadonlySet<Key>
}

/** Bring rows up to date without moving one: those that were there keep their places, also when they are gone, and new ones come last. */
export function keep<T> (before: readonly T[], fresh: readonly T[], key: (row: T) => Key): Placed<T> {
  const found = new Map(fresh.map((row) => [key(row), row]))
  const gone = new Set<Key>()
  const rows = before.map((row) => {
    const name = key(row)
    const now = found.get(name)
    if (now === undefined) gone.add(name)
    else found.delete(name)
    return now ?? row
  })
  return { rows: [...rows, ...found.values()], gone }
}

export interface Calm<T> {
  placed: ShallowRef<Placed<T>>
  /** For `v-on` of what holds the rows. */
  on: Record<string, () => void>
  /** Show all as it is, now. */
  release: () => void
}

/** Watch rows that are `live`, and keep them in their places from a move or a key on until some seconds after the last. */
export function useCalm<T> (source: () => readonly T[], key: (row: T) => Key, live: () => boolean = () => true): Calm<T> {
  const placed = shallowRef<Placed<T>>({ rows: [], gone: new Set() })
  const held = ref(false)
  let rest: ReturnType<typeof setTimeout> | undefined

  function update (): void {
    const still = held.value && live() && placed.value.rows.length > 0
    placed.value = still ? keep(placed.value.rows, source(), key) : { rows: source(), gone: new Set() }
  }
  function hold (): void {
    if (!live()) return
    clearTimeout(rest)
    held.value = true
    rest = setTimeout(release, REST)
  }
  function release (): void {
    clearTimeout(rest)
    if (!held.value) return
    held.value = false
    update()
  }

  watch(source, update, { immediate: true })
  onScopeDispose(() => clearTimeout(rest))
  return { placed, on: { pointermove: hold, pointerdown: hold, keydown: hold, pointerleave: release }, release }
}
