// A KapokMQ client for pages, and for Node with a WebSocket: one file, no dependencies. See docs/browser.md.
//
//     import { connect } from 'http://127.0.0.1:8011/client.js'
//     const mq = connect('ws://127.0.0.1:8011', { key: 'test' })
//     await mq.subscribe('orders.*', async (message) => console.log(message.data), { group: 'billing' }).ready
//     await mq.publish('orders.eu', { n: 1 })
//
// It reconnects by itself and says so ('state'). What was not confirmed is sent again under the same session and id, so
// the broker stores it once. Messages come at least once: one whose ack was lost comes again.

const SUBPROTOCOL = 'kapokmq.v2'
const WINDOW = 500 // publishes without an answer: the broker remembers the last 1,000 of a session
const IDS_A_MILLISECOND = 1024
const CODES = 1000 // in an ack, nack or touch
const LONGEST_REASON = 1000 // characters
const LASTED = 1000 // ms after which a connection counts as a good one
const NEVER = 0 // an id that is never a subscription's
const FATAL = new Set(['unauthorized', 'badRequest', 'badName']) // of a hello: trying again makes no sense
const LATER = new Set(['draining', 'unavailable', 'deleting']) // of a subscribe: trying again does

/** What the broker refused, or this client: `code` says why, `retryAfter` (seconds) when trying again makes sense. */
export class KapokError extends Error {
  constructor (code, message, more = {}) {
    super(message)
    this.name = 'KapokError'
    this.code = code
    Object.assign(this, more)
  }
}

/** An event of a client; what it tells is in `detail`. */
export class KapokEvent extends Event {
  constructor (type, detail) {
    super(type)
    this.detail = detail
  }
}

/** One delivery. It is acknowledged when its handler ends, unless the handler has done so, or said nack. */
export class Message {
  #subscription

  constructor (subscription, { code, topic, data, createTime, attempt, key, headers = {} }) {
    this.#subscription = subscription
    Object.assign(this, { code, topic, data, createTime, attempt, key, headers })
  }

  /** The data, read as JSON. */
  json () {
    return JSON.parse(this.data)
  }

  /** It is done. */
  ack () {
    this.#subscription._settle(this, 'ack')
  }

  /** It was not done, and comes again after `delay` seconds, or after its group's backoff. */
  nack ({ delay, reason } = {}) {
    this.#subscription._settle(this, 'nack', { delay, reason })
  }

  /** It takes longer: its lease begins anew. */
  touch () {
    this.#subscription._touch([this.code])
  }
}

/** A membership in a group. It is made anew whenever the client has reconnected. */
export class Subscription {
  #client
  #handler
  #options
  #waiting = [] // delivered, and not yet begun
  #codes = new Set() // of these
  #running = new Map() // code -> the message that a handler is at work on
  #credit
  #allowed = 0 // without acks: how many more may come, as the broker was told last
  #paused = false
  #leaving = false
  #outcome = deferred()
  #joined = deferred()
  #retry

  constructor (client, id, topic, handler, options) {
    this.#client = client
    this.#handler = handler
    this.#options = options
    this.#credit = options.credit
    this.id = id
    this.topic = topic
    this.group = options.group
    this.over = false
    this.ready = this.#joined.promise // the broker has it; rejected if it refuses
    this.ended = this.#outcome.promise // it is over: of a KapokError that says why, or of null after close()
    this.ready.catch(() => {})
  }

  /** How many messages are here, or with a handler. */
  get held () {
    return this.#waiting.length + this.#running.size
  }

  /** Get no more messages for now. Those that are here are still handled. */
  pause () {
    this.#paused = true
    this.#tell(0)
  }

  /** Go on after a pause. */
  resume () {
    this.#paused = false
    this.#tell(this.#wanted)
  }

  /** Set how many messages may be here unacknowledged, 0 to 100,000. */
  setCredit (count) {
    this.#credit = count
    if (!this.#paused) this.#tell(this.#wanted)
  }

  /** Leave. What was not begun goes to others; handlers that run end in peace, and are waited for. */
  async close () {
    if (this.over) return
    this.#drop()
    this.#paused = this.#leaving = true
    this.#tell(0)
    while (this.#running.size) await Promise.race([...this.#running.values()].map(({ done }) => done))
    this.#client._flush()
    this.#client._send({ op: 'unsubscribe', sub: this.id })
    this._end(null)
  }

  /** What the broker is told of the credit: the window, or without acks how many more may come. */
  get #wanted () {
    if (this.#paused) return 0
    return this.#owes ? this.#credit : Math.max(0, this.#credit - this.held)
  }

  get #owes () {
    return this.#options.ack !== 'none'
  }

  #drop () {
    this.#waiting = []
    this.#codes.clear()
  }

  /**
   * Without acks: let more come, once there is room for half of what may be here. All that was allowed must have come
   * before: what is on its way would come as well.
   */
  #renew () {
    if (this.#owes || this.#paused || this.#allowed > 0) return
    const wanted = this.#wanted
    if (wanted && wanted * 2 >= this.#credit) this.#tell(wanted)
  }

  #tell (n) {
    this.#allowed = n
    if (!this.over) this.#client._send({ op: 'credit', sub: this.id, n })
  }

  // ---- from the client

  /** Ask for it. */
  _ask () {
    clearTimeout(this.#retry)
    const { group, start, ack } = this.#options
    this.#allowed = this.#wanted
    this.#client._send({ op: 'subscribe', id: this.id, topic: this.topic, group, start, ack, credit: this.#allowed })
  }

  _accepted () {
    this.#joined.resolve(this)
  }

  _refused (error) {
    if (!LATER.has(error.code)) return this._end(error)
    this.#client._emit('error', error)
    this.#retry = setTimeout(() => this.#client._ready && !this.over && this._ask(), (error.retryAfter ?? 1) * 1000)
  }

  _end (reason) {
    if (this.over) return
    this.over = true
    this.#drop()
    clearTimeout(this.#retry)
    this.#client._forget(this)
    this.#joined.reject(reason ?? new KapokError('closed', 'the subscription was closed'))
    this.#outcome.resolve(reason)
  }

  /** The connection is gone: what was not begun comes again, unless no acks are owed. */
  _lost () {
    if (this.#owes) this.#drop()
    clearTimeout(this.#retry)
  }

  _deliver (messages) {
    this.#allowed -= messages.length
    if (this.#leaving) return // they go to others
    for (const one of messages) {
      // A lease that ran out, or a new connection: it comes again while it is here, and is handled once.
      if (this.#running.has(one.code) || this.#codes.has(one.code)) continue
      this.#codes.add(one.code)
      this.#waiting.push(new Message(this, one))
    }
    this.#begin()
  }

  /** Codes of all that is here, so that their leases can be renewed. */
  _codes () {
    return [...this.#running.keys(), ...this.#codes]
  }

  _settle (message, op, more) {
    const running = this.#running.get(message.code)
    if (running?.message !== message || running.settled || !this.#owes) return
    running.settled = true
    this.#client._settle(this, op, message.code, more)
  }

  _touch (codes) {
    if (!this.#owes) return
    for (let i = 0; i < codes.length; i += CODES) {
      this.#client._send({ op: 'touch', sub: this.id, codes: codes.slice(i, i + CODES) })
    }
  }

  #begin () {
    while (this.#waiting.length && this.#running.size < this.#options.concurrency) {
      const message = this.#waiting.shift()
      this.#codes.delete(message.code)
      const running = { message, settled: false }
      this.#running.set(message.code, running)
      running.done = this.#handle(message).then(() => {
        this.#running.delete(message.code)
        this.#begin()
      })
    }
    this.#renew()
  }

  async #handle (message) {
    try {
      await this.#handler(message)
      message.ack()
    } catch (error) {
      const reason = String(error?.message ?? error).slice(0, LONGEST_REASON).replace(/\p{Surrogate}/gu, '\ufffd')
      message.nack({ delay: error?.retryIn, reason })
      this.#client._emit('error', new KapokError('handler', `a handler of ${this.topic} failed: ${reason}`, { cause: error }))
    }
  }
}

/** A connection to a broker, over reconnects. Made by `connect`. */
export class Client extends EventTarget {
  #urls
  #options
  #socket = null
  #attempt = 0
  #tries = 0 // connections tried, over all
  #openedAt = 0
  #heardAt = 0
  #asked = 0 // when the broker was asked for a sign that has not come
  #timer
  #pulse
  #touching
  #limits = {}
  #next
  #pending = new Map() // id -> publish without an answer, ascending
  #unsent = [] // those of them that are to be sent
  #characters = 0 // of all of them
  #room = []
  #subscriptions = new Map() // id -> Subscription
  #settling = new Map() // op and subscription and what goes with it -> {frame, codes}
  #flushing = false
  #idle = []
  #drained = false
  #outcome = deferred()
  #online = () => this.state === 'waiting' && this.#open()

  constructor (urls, options) {
    super()
    this.#urls = urls
    this.#options = options
    this.session = options.session ?? randomName()
    this.#next = Date.now() * IDS_A_MILLISECOND // so that a session that is used again goes on upwards
    this.state = 'connecting'
    this.node = null // its `welcome`
    this.closed = this.#outcome.promise // resolves with null after close(), or with the KapokError that ended it
    globalThis.addEventListener?.('online', this.#online)
    this.#open()
  }

  /** How many publishes are without an answer, sent or not. */
  get pending () {
    return this.#pending.size
  }

  /**
   * Publish a text, or any other value as its JSON. Resolves once the broker has stored it.
   * Rejected with code 'backlog', nothing kept, while there are as many without an answer as may be: see `room`.
   */
  async publish (topic, data, options = {}) {
    const { durable, ...fields } = options
    const { codes: [code], duplicates = [], ...told } = await this.publishMany(topic, [{ data, ...fields }], { durable })
    return { code, duplicate: duplicates.length > 0, durable: told.durable, resent: told.resent ?? false }
  }

  /** Publish messages, all of them or none. */
  publishMany (topic, messages, { durable } = {}) {
    return new Promise((resolve, reject) => {
      if (this.state === 'closed' || this.state === 'closing') throw new KapokError('closed', 'this client was closed')
      const id = ++this.#next
      const text = JSON.stringify({ op: 'publish', id, topic, messages: messages.map(asSent), durable })
      if (this.#full) throw new KapokError('backlog', `${this.#pending.size} publishes are not confirmed, which is as many as may be`)
      const publish = { id, text, resolve, reject }
      this.#pending.set(id, publish)
      this.#unsent.push(publish)
      this.#characters += text.length
      this.#sendPublishes()
    })
  }

  /** Wait until there is room for another publish. */
  async room () {
    while (this.state !== 'closed' && this.#full) await new Promise((resolve) => this.#room.push(resolve))
  }

  get #full () {
    return this.#pending.size >= this.#options.maxPending || this.#characters >= this.#options.maxPendingCharacters
  }

  /**
   * Have `handler(message)` called for each message. It is acknowledged when the handler (async or not) ends, and given
   * back when it throws: after `error.retryIn` seconds if that is set, else after the group's backoff.
   */
  subscribe (topic, handler, { group, start, ack, credit = 100, concurrency = 1 } = {}) {
    if (this.state === 'closed' || this.state === 'closing') throw new KapokError('closed', 'this client was closed')
    const options = { group, start, ack, credit, concurrency }
    const subscription = new Subscription(this, ++this.#next, topic, handler, options)
    this.#subscriptions.set(subscription.id, subscription)
    if (this._ready) subscription._ask()
    return subscription
  }

  /**
   * Let handlers and publishes end, for `timeout` seconds at most, then close the connection. What is not confirmed by
   * then is rejected with code 'closed': the broker may have it or not.
   */
  async close ({ timeout = 5 } = {}) {
    if (this.state === 'closed') return
    if (this.state !== 'closing') {
      this.#become('closing')
      let timer
      const late = new Promise((resolve) => { timer = setTimeout(resolve, timeout * 1000) })
      const settled = [...this.#subscriptions.values()].map((one) => one.close())
      if (this.#pending.size) settled.push(new Promise((resolve) => this.#idle.push(resolve)))
      await Promise.race([Promise.all(settled), late])
      clearTimeout(timer)
      this._flush()
      this.#end(null)
    }
    await this.closed
  }

  // ------------------------------------------------------------------------------------------------ connections

  /** The connection is welcomed, and takes publishes and subscriptions. */
  _ready = false

  #open () {
    clearTimeout(this.#timer)
    const { WebSocket, connectTimeout } = this.#options
    const url = this.#urls[this.#tries++ % this.#urls.length]
    if (this.state !== 'closing') this.#become('connecting', { url })
    let socket
    try {
      socket = new WebSocket(url, [SUBPROTOCOL])
    } catch (error) { // not a URL, or a page over https that may not use ws:
      return this.#end(new KapokError('unusable', error.message))
    }
    this.#socket = socket
    const mine = (what) => (event) => { if (this.#socket === socket) what(event) }
    socket.onopen = mine(() => {
      const { key, name } = this.#options
      socket.send(JSON.stringify({ op: 'hello', key, name, session: this.session }))
    })
    socket.onmessage = mine(({ data }) => this.#heard(data))
    socket.onerror = () => {} // `close` comes as well
    socket.onclose = mine(({ code, reason }) => this.#lost(reason || `the connection was closed (${code})`))
    this.#timer = setTimeout(mine(() => this.#drop(`no welcome within ${connectTimeout} s`)), connectTimeout * 1000)
  }

  #welcomed (welcome) {
    clearTimeout(this.#timer)
    this.node = welcome
    this.#limits = welcome.limits ?? {}
    this.#openedAt = Date.now()
    this._ready = true
    this.#unsent = [...this.#pending.values()]
    // Before anybody is told, who may publish at once: what comes of it is for these subscriptions, too.
    for (const subscription of this.#subscriptions.values()) subscription._ask()
    if (this.state !== 'closing') this.#become('open', { node: welcome.node })
    this.#sendPublishes()
    this._flush()
    const { pulse, touchEvery } = this.#options
    if (pulse) this.#pulse = setInterval(() => this.#feel(), pulse * 500)
    if (touchEvery) this.#touching = setInterval(() => this.#touchAll(), touchEvery * 1000)
  }

  /** Find out whether anybody is there: pages can't send pings, so something is asked that costs nothing. */
  #feel () {
    const now = Date.now()
    const { pulse } = this.#options
    if (this.#asked) {
      if (now - this.#asked >= 1000 * pulse) this.#drop(`nothing was heard for ${Math.round((now - this.#heardAt) / 1000)} s`)
    } else if (now - this.#heardAt >= 500 * pulse) {
      this.#asked = now // silence alone proves nothing: timers of hidden pages run once a minute
      this._send({ op: 'unsubscribe', sub: NEVER, id: NEVER })
    }
  }

  #touchAll () {
    for (const subscription of this.#subscriptions.values()) subscription._touch(subscription._codes())
  }

  /** Give up on a connection that may not even notice. */
  #drop (reason) {
    const socket = this.#socket
    this.#lost(reason)
    socket?.close()
  }

  #lost (reason, wait = 0) {
    clearTimeout(this.#timer)
    clearInterval(this.#pulse)
    clearInterval(this.#touching)
    if (this._ready && Date.now() - this.#openedAt >= LASTED) this.#attempt = 0
    this.#socket = null
    this._ready = false
    this.#drained = false
    for (const subscription of this.#subscriptions.values()) subscription._lost()
    if (this.state === 'closed') return
    const { first, most } = this.#options.backoff
    const { random } = this.#options
    const longest = Math.min(most, first * 2 ** Math.min(this.#attempt++, 30))
    const retryIn = Math.max(wait, random() * longest) // full jitter: a thousand pages don't come back at once
    if (this.state !== 'closing') this.#become('waiting', { reason, retryIn })
    this.#timer = setTimeout(() => this.#open(), retryIn * 1000)
  }

  /** For good. */
  #end (error) {
    if (this.state === 'closed') return
    clearTimeout(this.#timer)
    clearInterval(this.#pulse)
    clearInterval(this.#touching)
    globalThis.removeEventListener?.('online', this.#online)
    const socket = this.#socket
    this.#socket = null
    this._ready = false
    this.#drained = false
    this.#become('closed', { reason: error?.message, error })
    const why = error ?? new KapokError('closed', 'this client was closed before the broker confirmed')
    for (const { reject } of this.#pending.values()) reject(why)
    this.#pending.clear()
    this.#unsent = []
    this.#characters = 0
    for (const subscription of [...this.#subscriptions.values()]) subscription._end(error)
    wake(this.#room)
    wake(this.#idle)
    if (error) this._emit('error', error)
    this.#outcome.resolve(error)
    try {
      socket?.close(1000, 'done')
    } catch { /* it was never open */ }
  }

  // ---------------------------------------------------------------------------------------------------- reading

  #heard (data) {
    this.#heardAt = Date.now()
    this.#asked = 0
    const said = JSON.parse(data)
    if (said.op === 'deliver') this.#subscriptions.get(said.sub)?._deliver(said.messages)
    else if (said.op === 'ok') this.#ok(said)
    else if (said.op === 'error') this.#refused(said)
    else if (said.op === 'welcome') this.#welcomed(said)
    else if (said.op === 'drain') this.#drain(said.reason)
  }

  #ok (said) {
    const publish = this.#pending.get(said.id)
    if (publish) {
      this.#answered(publish)
      const { op, id, ...told } = said
      publish.resolve(told)
    } else {
      this.#subscriptions.get(said.id)?._accepted()
    }
  }

  #refused ({ id, sub, code, message, index, retryAfter }) {
    const error = new KapokError(code, message, { index, retryAfter })
    const publish = this.#pending.get(id)
    if (!this._ready) {
      if (FATAL.has(code)) this.#end(error)
      else this.#give(error)
    } else if (publish && code === 'draining') {
      this.#unsent.push(publish) // it is sent again after the next welcome
    } else if (publish) {
      this.#answered(publish)
      publish.reject(error)
    } else if (id === NEVER || code === 'unknownSub') {
      // The answer to `#feel`; or to something about a subscription that ended meanwhile.
    } else if (id !== undefined && this.#subscriptions.has(id)) {
      this.#subscriptions.get(id)._refused(error)
    } else if (sub !== undefined && code === 'gone') {
      this.#subscriptions.get(sub)?._end(error)
    } else {
      this._emit('error', error)
    }
  }

  /** A hello that may succeed later. */
  #give (error) {
    const socket = this.#socket
    this._emit('error', error)
    this.#lost(error.message, error.retryAfter ?? 0)
    socket?.close()
  }

  #answered (publish) {
    this.#pending.delete(publish.id)
    this.#characters -= publish.text.length
    wake(this.#room)
    if (!this.#pending.size) wake(this.#idle)
    this.#sendPublishes()
  }

  /** The node stops: go elsewhere as soon as no handler is at work, or else when it closes the connection. */
  #drain (reason) {
    this.#drained = true
    this._emit('drain', reason)
    this.#leave()
  }

  #leave () {
    const busy = [...this.#subscriptions.values()].some(({ held }) => held) || this.#settling.size
    const asked = this.#pending.size - this.#unsent.length
    if (this.#drained && !busy && !asked) this.#drop('the node drains')
    else if (this.#drained) setTimeout(() => this.#leave(), 50)
  }

  // ---------------------------------------------------------------------------------------------------- writing

  /** Send an op now, or never: what has to survive a reconnect is not sent this way. */
  _send (fields) {
    if (this._ready) this.#socket.send(JSON.stringify(fields))
  }

  #sendPublishes () {
    if (!this._ready || this.#drained) return
    const window = Math.min(WINDOW, this.#limits.unconfirmed ?? WINDOW)
    while (this.#unsent.length && this.#pending.size - this.#unsent.length < window) {
      const publish = this.#unsent.shift()
      // A frame that is too long would end the connection, and the next one, and so on.
      const most = this.#limits.frameBytes ?? Infinity
      if (publish.text.length * 3 > most && utf8Length(publish.text) > most) {
        this.#answered(publish)
        publish.reject(new KapokError('tooBig', `a frame of more than ${most} bytes`))
      } else {
        this.#socket.send(publish.text)
      }
    }
  }

  /** Acks and nacks of one turn go out together. */
  _settle (subscription, op, code, more = {}) {
    const frame = { op, sub: subscription.id, ...more }
    const alike = JSON.stringify(frame)
    const codes = this.#settling.get(alike)?.codes ?? []
    codes.push(code)
    this.#settling.set(alike, { frame, codes })
    if (!this.#flushing) {
      this.#flushing = true
      setTimeout(() => this._flush(), 0)
    }
  }

  _flush () {
    this.#flushing = false
    if (!this._ready) return // they go out after the next welcome: an ack still counts when its lease was lost
    for (const { frame, codes } of this.#settling.values()) {
      for (let i = 0; i < codes.length; i += CODES) this._send({ ...frame, codes: codes.slice(i, i + CODES) })
    }
    this.#settling.clear()
  }

  // ----------------------------------------------------------------------------------------------------- telling

  _forget (subscription) {
    this.#subscriptions.delete(subscription.id)
  }

  _emit (type, detail) {
    this.dispatchEvent(new KapokEvent(type, detail))
  }

  #become (state, more = {}) {
    this.state = state
    this._emit('state', { state, ...more })
  }
}

/**
 * Connect to a broker, or to the first of several that answers. Gives a Client at once, which connects by itself.
 * What may be said beside `key`, `name` and `session` is in docs/browser.md, with the defaults below.
 */
export function connect (url, options = {}) {
  const { backoff, ...rest } = options
  const WebSocket = options.WebSocket ?? globalThis.WebSocket
  if (!WebSocket) throw new KapokError('unusable', 'there is no WebSocket here: give one, `connect(url, { WebSocket })`')
  return new Client([url].flat().map(address), {
    connectTimeout: 10,
    maxPending: 10_000,
    maxPendingCharacters: 32 << 20,
    pulse: 30,
    touchEvery: 20,
    random: Math.random,
    ...rest,
    backoff: { first: 0.2, most: 15, ...backoff },
    WebSocket
  })
}

/** Where v2 is spoken at a broker, unless another path is named. */
function address (url) {
  return String(url).replace(/^(wss?:\/\/[^/?#]+)\/?$/i, '$1/v2')
}

/** A message as it is sent. What is no text goes as the text of its JSON, so that nothing in it can break the frame. */
function asSent ({ data, ...options }) {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  if (text === undefined) throw new TypeError('data: neither a text nor a value that JSON knows')
  return { data: text, ...options }
}

function utf8Length (text) {
  return new TextEncoder().encode(text).length
}

/** 128 random bits, no secret. Pages over plain http have no `randomUUID`, and Node 18 has no `crypto`. */
function randomName () {
  const bytes = new Uint8Array(16)
  if (globalThis.crypto) globalThis.crypto.getRandomValues(bytes)
  else bytes.forEach((_, i) => { bytes[i] = Math.random() * 256 })
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function deferred () {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

function wake (waiting) {
  for (const resolve of waiting.splice(0)) resolve()
}
