/** A dialog that opens with its component. When it closes, and what opened it is gone, the keyboard goes to what is left. */
import { nextTick, onMounted, type ShallowRef } from 'vue'

/** Open it. `closed` is for its close event. */
export function useModal (dialog: Readonly<ShallowRef<HTMLDialogElement | null>>): { closed: () => Promise<void> } {
  const opener = document.activeElement
  // A table looks after its own rows; of anything else the page is the next best.
  const around = [opener?.closest<HTMLElement>('[role=region][tabindex]'), document.querySelector<HTMLElement>('main')]
  onMounted(() => dialog.value?.showModal())
  return {
    async closed () {
      await nextTick()
      await nextTick() // whoever shows the dialog takes it away after the one that is under way
      if (document.activeElement === document.body) around.find((one) => one?.isConnected)?.focus({ preventScroll: true })
    },
  }
}
