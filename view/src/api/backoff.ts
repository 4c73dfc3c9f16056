/** How long to wait before trying again. */
const FIRST = 500 // milliseconds
const MOST = 10_000

/** Up to twice as long each time, from half of it on, so that many pages do not come at once. */
export function wait (attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(MOST, FIRST * 2 ** attempt)
  return Math.round(whole / 2 + random() * whole / 2)
}
