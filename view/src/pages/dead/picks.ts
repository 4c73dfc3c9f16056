/** Which letters are picked. */
import { computed, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Listed } from '@/api'
import type { Letter } from './dead'

export interface Picks {
  selected: ShallowRef<ReadonlySet<string>>
  /** Those of them that are shown: what is to be done is done to these. */
  chosen: ComputedRef<string[]>
  allChosen: ComputedRef<boolean>
  pick: (code: string) => void
  /** All that are shown, or none. */
  pickAll: () => void
  pickNone: () => void
  unpick: (codes: ReadonlySet<string>) => void
}

/** A letter that has gone is not picked any more: the same message may die again, and nobody has picked that. */
export function usePicks (list: Pick<Listed<Letter>, 'rows' | 'whole'>, shown: Readonly<Ref<readonly Letter[]>>): Picks {
  const selected = shallowRef<ReadonlySet<string>>(new Set())
  const chosen = computed(() => shown.value.filter((row) => selected.value.has(row.code)).map((row) => row.code))
  const allChosen = computed(() => shown.value.length > 0 && chosen.value.length === shown.value.length)

  function keep (is: (code: string) => boolean): void {
    if (![...selected.value].every(is)) selected.value = new Set([...selected.value].filter(is))
  }

  function pick (code: string): void {
    const now = new Set(selected.value)
    if (!now.delete(code)) now.add(code)
    selected.value = now
  }

  // While pages are still to come, one that is not here need not be gone.
  watch([list.rows, list.whole], ([rows, whole]) => {
    if (!whole) return
    const there = new Set(rows.map((row) => row.code))
    keep((code) => there.has(code))
  }, { flush: 'sync' })

  return {
    selected, chosen, allChosen, pick,
    pickAll: () => { selected.value = new Set(allChosen.value ? [] : shown.value.map((row) => row.code)) },
    pickNone: () => { selected.value = new Set() },
    unpick: (codes) => keep((code) => !codes.has(code)),
  }
}
