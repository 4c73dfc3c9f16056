/** What is reckoned wherever messages are shown. */

/** The colour of a status, or of what a message is to a group. */
export const TONES: Readonly<Record<string, string>> = {
  waiting: 'warn', delayed: '', consumed: 'good', dead: 'bad',
  notDue: '', retrying: 'warn', leased: 'warn', acknowledged: 'good', expired: '',
}

const BEGINNING = 200 // characters of a text that a table shows

/** The beginning of a text, in one line. It holds on to nothing of the rest, so that a hundred thousand are cheap. */
export function beginning (text: string): string {
  if (text.length <= BEGINNING) return text.replace(/\s+/g, ' ')
  // A slice would keep the whole text alive; what was written and read again is on its own.
  return JSON.parse(JSON.stringify(text.slice(0, BEGINNING).replace(/\s+/g, ' '))) as string
}

// ----------------------------------------------------------------------------------------------- how much at a time
const FIRST = 50 // of the first page, which is to be there quickly
const MOST = 500
const LEAST = 10
const ENOUGH = 4_000_000 // characters of texts in a page, about

/** How many messages to ask for next, from how long the texts of the last ones were: texts come whole, and may have a MiB each. */
export function nextLimit (lengths: readonly number[], before = FIRST): number {
  if (lengths.length === 0) return before
  const mean = lengths.reduce((sum, one) => sum + one, 0) / lengths.length
  return Math.max(LEAST, Math.min(MOST, Math.floor(ENOUGH / Math.max(1, mean))))
}
