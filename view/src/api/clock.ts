/**
 * What time it is at the broker: no reader's clock is trusted with how long ago anything was there. Each answer tells the
 * broker's time in whole seconds, in its `Date`, somewhere between its being asked for and its coming.
 */
import { computed, shallowRef } from 'vue'

const SECOND = 1_000

/** What has to be added to this clock, at least and at most, by all that was told; in milliseconds. */
const told = shallowRef<{ least: number, most: number }>()

/** None while no answer contradicts this clock. */
const offset = computed(() => {
  if (told.value === undefined) return 0
  const { least, most } = told.value
  return least <= 0 && most >= 0 ? 0 : (least + most) / 2
})

/** Take the `Date` of an answer that was asked for, and came, at these times of `Date.now()`. */
export function heard (date: string | null, asked: number, came: number): void {
  const at = date === null ? NaN : Date.parse(date)
  if (Number.isNaN(at) || came < asked) return
  const [least, most] = [at - came, at + SECOND - asked]
  const before = told.value
  // The answer that was least delayed says most. Where nothing fits all of them, one of the clocks was put right.
  const fits = before !== undefined && least <= before.most && most >= before.least
  const now = fits ? { least: Math.max(least, before.least), most: Math.min(most, before.most) } : { least, most }
  if (now.least !== before?.least || now.most !== before.most) told.value = now
}

/** Now, of the broker's clock, in milliseconds. */
export const brokerMs = (): number => Date.now() + offset.value

/** Now, of the broker's clock, in unix seconds. */
export const brokerNow = (): number => brokerMs() / SECOND
