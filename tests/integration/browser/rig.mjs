// What the tests of the browser client share: a WebSocket, and a fake one with a broker that a test plays.
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

/** A WebSocket class whose far ends are `sockets`: what they were sent is in `sent`, and `says` is the broker speaking. */
export function stage ({ opens = true } = {}) {
  const sockets = []
  class Fake {
    constructor (url, protocols) {
      Object.assign(this, { url, protocols, sent: [], ended: false })
      sockets.push(this)
      setTimeout(() => opens ? this.onopen?.({}) : this.onclose?.({ code: 1006, reason: '' }), 0)
    }

    send (text) {
      if (this.ended) throw new Error('it is closed')
      const frame = JSON.parse(text)
      this.sent.push(frame)
      if (frame.op === 'hello') this.greet()
    }

    greet () {
      this.says({ op: 'welcome', server: 'kapokmq', version: '0', node: 'mq:fake:1', limits: { unconfirmed: 1000, frameBytes: 8388608 } })
    }

    says (frame) {
      this.onmessage?.({ data: JSON.stringify(frame) })
    }

    delivers (sub, ...codes) {
      const messages = codes.map((code) => ({ code, topic: 't', data: `data of ${code}`, createTime: 1, attempt: 1 }))
      this.says({ op: 'deliver', sub, messages })
    }

    breaks (reason = 'cut') {
      this.ended = true
      this.onclose?.({ code: 1006, reason })
    }

    close (code) {
      this.ended = code ?? true
    }

    of (op) {
      return this.sent.filter((frame) => frame.op === op)
    }
  }
  return { sockets, Fake }
}

/** A client on a stage, connected. */
export async function staged (t, options = {}, how = {}) {
  const { sockets, Fake } = stage(how)
  const told = []
  const mq = connect(options.url ?? 'ws://fake/v2', { WebSocket: Fake, pulse: 0, backoff: { first: 0.01, most: 0.01 }, ...options })
  for (const type of ['state', 'error', 'drain']) mq.addEventListener(type, ({ detail }) => told.push([type, detail]))
  t.after(() => mq.close({ timeout: 0 }))
  if (how.opens !== false) await until(() => mq.state === 'open', 'welcome')
  return { mq, sockets, told, last: () => sockets.at(-1) }
}
