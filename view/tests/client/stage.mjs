// A WebSocket whose far end is a broker that the test plays.
import { connect } from '@/client/kapokmq.js'

/** Wait until what is `wanted` is so. */
export async function until (wanted, what, seconds = 30) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = wanted()
    if (found) return found
    if (Date.now() > end) throw new Error(`within ${seconds} s there was no ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
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
  t.onTestFinished(() => mq.close({ timeout: 0 }))
  if (how.opens !== false) await until(() => mq.state === 'open', 'welcome')
  return { mq, sockets, told, last: () => sockets.at(-1) }
}
