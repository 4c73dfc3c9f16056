/**
 * A list that comes page by page: the first at once, the next ones when the end of what is there comes into sight. When the
 * broker is back it is read again, as far as it was there.
 */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { Gone, isAbort } from './errors'
import { returns } from './link'
import type { Phase } from './load'

export interface Chunk<T> {
  rows: T[]
  cursor: string | null
}

export interface Listed<T> {
  rows: ShallowRef<T[]>
  phase: Ref<Phase>
  error: ShallowRef<Error | undefined>
  /** Whether a page is under way. */
  busy: Ref<boolean>
  /** Whether all pages are here. */
  whole: Ref<boolean>
  /** Fetch the next page, unless one is under way or there is none. */
  more: () => Promise<void>
  /** Begin anew; what is there stays until the first page comes. */
  reload: () => Promise<void>
}

const PAGES = 10
const EMPTY = 20 // empty pages in a row that one call takes: a search looks at so much, and then asks to go on

/** List what `fetchPage` gives, as the cursors of the API lead on. */
export function useList<T> (
  fetchPage: (cursor: string | null, signal: AbortSignal) => Promise<Chunk<T>>,
  sources: () => unknown = () => 0,
): Listed<T> {
  const rows = shallowRef<T[]>([])
  const error = shallowRef<Error>()
  const phase = ref<Phase>('loading')
  const busy = ref(false)
  const whole = ref(false)
  let cursor: string | null = null
  let old = false // whether the rows are those of before
  let asking: AbortController | undefined

  async function more (): Promise<void> {
    if (!busy.value && !whole.value) await fetchOn()
  }

  const fetchOn = (): Promise<void> => fetching(async (signal) => {
    for (let empty = 0; empty < EMPTY; empty++) {
      const page = await fetchPage(cursor, signal)
      if (signal.aborted) return
      cursor = page.cursor
      whole.value = cursor === null
      rows.value = old ? page.rows : [...rows.value, ...page.rows]
      old = false
      if (page.rows.length > 0 || whole.value) break
    }
  })

  /** Read all that is there again; nothing of it goes before it is there anew. */
  const refill = (): Promise<void> => fetching(async (signal) => {
    const fresh: T[] = []
    let next: string | null = null
    let empty = 0
    do {
      const page = await fetchPage(next, signal)
      if (signal.aborted) return
      fresh.push(...page.rows)
      next = page.cursor
      empty = page.rows.length > 0 ? 0 : empty + 1
    } while (next !== null && fresh.length < rows.value.length && empty < EMPTY)
    cursor = next
    whole.value = next === null
    rows.value = fresh
    old = false
  })

  async function fetching (work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    asking?.abort()
    const mine = asking = new AbortController()
    busy.value = true
    try {
      await work(mine.signal)
      if (mine.signal.aborted) return
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

  async function reload (): Promise<void> {
    cursor = null
    whole.value = false
    old = true
    if (rows.value.length === 0) phase.value = 'loading'
    await fetchOn()
  }

  watch(sources, () => {
    rows.value = []
    void reload()
  })
  watch(returns, () => { void (rows.value.length > 0 ? refill() : reload()) })
  onScopeDispose(() => asking?.abort())
  void reload()
  return { rows, phase, error, busy, whole, more, reload }
}

/** Go from page to page, so far. */
export async function everything<T> (ask: (cursor: string | null) => Promise<{ rows: T[], cursor: string | null }>): Promise<{ rows: T[], more: boolean }> {
  const rows: T[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < PAGES; pages++) {
    const page = await ask(cursor)
    rows.push(...page.rows)
    cursor = page.cursor
    if (cursor === null) break
  }
  return { rows, more: cursor !== null }
}
