/** What is said in passing: that something was done, or could not be. It is read aloud, and goes by itself. */
import { shallowRef } from 'vue'
import { faultText } from '@/faults'

export interface Notice {
  id: number
  text: string
  tone: 'good' | 'bad'
}

const STAYS = 6_000 // milliseconds; what went wrong stays until it is dismissed

export const notices = shallowRef<readonly Notice[]>([])
let last = 0

/** Say it. */
export function say (text: string, tone: Notice['tone'] = 'good'): void {
  const id = ++last
  notices.value = [...notices.value, { id, text, tone }]
  if (tone === 'good') setTimeout(() => dismiss(id), STAYS)
}

/** Say what went wrong. */
export const complain = (error: unknown): void => say(faultText(error), 'bad')

/** Take it away. */
export function dismiss (id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id)
}
