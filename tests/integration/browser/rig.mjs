// What the tests of the browser client against real brokers share.
import { createRequire } from 'node:module'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../../view/src/client/kapokmq.js'

const require = createRequire(import.meta.url)
export const { KAPOKMQ_TEST_URL: url, KAPOKMQ_TEST_FOLDER: folder } = process.env

/** A client of the broker under test; it ends with the test `t`. */
export function client (t, options = {}, where = url) {
  const made = connect(where, { WebSocket: globalThis.WebSocket ?? require('ws'), key: 'test', name: 'node', ...options })
  t.after(() => made.close({ timeout: 0 }))
  return made
}

export async function until (wanted, what, seconds = 30) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = wanted()
    if (found) return found
    if (Date.now() > end) throw new Error(`within ${seconds} s there was no ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Have whoever started us do something, and wait until it is done. */
export async function outside (what) {
  writeFileSync(join(folder, what), '')
  await until(() => existsSync(join(folder, `${what}.done`)), what, 60)
}
