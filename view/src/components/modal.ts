/** A dialog that opens with its component. When it closes, and what opened it is gone, the keyboard goes to what is left. */
import { nextTick, onMounted, type ShallowRef } from 'vue'

/** Open it. `closed` is for its close event. */
export function useModal (dialog: Readonly<ShallowRef<HTMLDialogElement | null>>): { closed: () => Promise<void> } {
  const opener = document.activeElement
  // A table looks after its own rows; of anything else the page is the next best.
  const around = [opener?.closest<HTMLElement>('.region'), document.querySelector<HTMLElement>('main')]
  onMounted(() => {
    const root = document.documentElement
    // The page's bar goes with a dialog: what is behind it stays where it is.
    if (document.querySelector('dialog[open]') === null) root.style.setProperty('--bar', `${innerWidth - root.getBoundingClientRect().width}px`)
    dialog.value?.showModal()
  })
  return {
    async closed () {
      await nextTick()
      await nextTick() // whoever shows the dialog takes it away after the one that is under way
      if (document.activeElement === document.body) around.find((one) => one?.isConnected)?.focus({ preventScroll: true })
    },
  }
}
