/** A dialog that opens with its component. When it closes, and what opened it is gone, the keyboard goes to what is left. */
import { computed, nextTick, onMounted, onScopeDispose, shallowRef, type ShallowRef } from 'vue'

const opened = shallowRef<readonly HTMLElement[]>([])

/** The dialog above all others, if any is open: nothing that is not in it can be used. */
export const topmost = computed(() => opened.value.at(-1))

/**
 * Open it. `closed` is for its close event. It `leaves` when somebody goes back or forward, so that it never asks about
 * another page than the one behind it; a dialog that is in the address itself is closed by its page.
 */
export function useModal (dialog: Readonly<ShallowRef<HTMLDialogElement | null>>, { leaves = false } = {}): { closed: () => Promise<void> } {
  const opener = document.activeElement
  // A table looks after its own rows; of anything else the page is the next best.
  const around = [opener?.closest<HTMLElement>('.region'), document.querySelector<HTMLElement>('main')]
  let mine: HTMLDialogElement | undefined

  const leave = (): void => mine?.close()
  const over = (event?: Event): void => {
    if (event === undefined || event.target === mine) opened.value = opened.value.filter((one) => one !== mine)
  }
  onMounted(() => {
    const root = document.documentElement
    // The page's bar goes with a dialog: what is behind it stays where it is.
    if (document.querySelector('dialog[open]') === null) root.style.setProperty('--bar', `${innerWidth - root.getBoundingClientRect().width}px`)
    mine = dialog.value!
    mine.addEventListener('close', over)
    mine.showModal()
    opened.value = [...opened.value, mine]
    if (leaves) addEventListener('popstate', leave)
  })
  onScopeDispose(() => {
    removeEventListener('popstate', leave)
    over()
  })
  return {
    async closed () {
      await nextTick()
      await nextTick() // whoever shows the dialog takes it away after the one that is under way
      if (document.activeElement === document.body) around.find((one) => one?.isConnected)?.focus({ preventScroll: true })
    },
  }
}
