/** Times as a field for date and time holds them: of the reader's clock, to the second. */

/** Unix seconds as such a field holds them; empty for none. */
export function asField (seconds: number | undefined): string {
  const date = new Date(seconds === undefined ? NaN : Math.floor(seconds) * 1_000)
  return Number.isNaN(date.getTime()) ? '' : new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** The time that such a field holds, undefined where it holds none. */
export function fromField (text: string): number | undefined {
  const seconds = new Date(text).getTime() / 1_000
  return Number.isFinite(seconds) ? seconds : undefined
}

/** Unix seconds in writing, as an address has them, as such a field holds them. */
export const toField = (seconds: string): string => asField(seconds === '' ? undefined : Number(seconds))

/** The same back. */
export const ofField = (value: string): string => String(fromField(value) ?? '')
