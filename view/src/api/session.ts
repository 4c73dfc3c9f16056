/**
 * The key's life: typed once, kept for this tab until it is closed, sent in a header, forgotten when the broker does not
 * know it any more or when the user signs out. It is never in an address, a cookie or storage that outlives the tab.
 */
import { ref } from 'vue'

const PLACE = 'kapokmq.key'

/** The key that everybody knows. */
export const DEFAULT_KEY = 'test'

/** The key, null while nobody has signed in. */
export const key = ref<string | null>(sessionStorage.getItem(PLACE))

/** Why nobody is signed in any more, for the log-in page to say. */
export const signedOut = ref<'' | 'refused' | 'asked'>('')

/** Keep a key that the broker has taken. */
export function signIn (taken: string): void {
  sessionStorage.setItem(PLACE, taken)
  signedOut.value = ''
  key.value = taken
}

/** Forget the key. */
export function signOut (why: 'refused' | 'asked' = 'asked'): void {
  sessionStorage.removeItem(PLACE)
  signedOut.value = why
  key.value = null
}
