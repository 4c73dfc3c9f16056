/** Whether there is little room, and what a table shows of itself then. */
import { onScopeDispose, ref, type Ref } from 'vue'
import type { Column } from './table'

const NARROW = '(width < 760px)'

/** Whether the window is narrow now. */
export function useNarrow (): Readonly<Ref<boolean>> {
  const query = matchMedia(NARROW)
  const narrow = ref(query.matches)
  const turned = (): void => { narrow.value = query.matches }
  query.addEventListener('change', turned)
  onScopeDispose(() => query.removeEventListener('change', turned))
  return narrow
}

/** Columns in the order in which they matter: those that come first are in sight, the rest is a swipe away. */
export function fitted<T> (columns: readonly Column<T>[], first: readonly string[], widest: number): Column<T>[] {
  const place = (key: string): number => (first.includes(key) ? first.indexOf(key) : first.length)
  return columns
    .map((one) => (one.grows === true ? { ...one, width: Math.min(one.width, widest) } : one))
    .sort((a, b) => place(a.key) - place(b.key))
}
