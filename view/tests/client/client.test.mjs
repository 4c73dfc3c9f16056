// The browser client against a WebSocket that the test plays: what a real broker can't be made to do at will.
// @vitest-environment node
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { connect } from '@/client/kapokmq.js'
import { stage, staged, until } from './stage.mjs'

const turn = () => new Promise((resolve) => setTimeout(resolve, 2))

test('it says hello with key, name and session, in its subprotocol', async (t) => {
  const { mq, sockets: [socket] } = await staged(t, { key: 'k', name: 'me', session: 's' })
  assert.deepEqual(socket.protocols, ['kapokmq.v2'])
  assert.deepEqual(socket.sent, [{ op: 'hello', key: 'k', name: 'me', session: 's' }])
  assert.equal(mq.node.node, 'mq:fake:1')
})

test('a session is drawn at random', async (t) => {
  const names = [await staged(t), await staged(t)].map(({ mq }) => mq.session)
  assert.match(names[0], /^[0-9a-f]{32}$/)
  assert.notEqual(names[0], names[1])
})

test('it waits twice as long each time, at most so long, with full jitter', async (t) => {
  for (const [drawn, waits] of [[1, [10, 20, 40, 50, 50]], [0.5, [5, 10, 20, 25, 25]], [0, [0, 0, 0, 0, 0]]]) {
    const told = []
    const { Fake } = stage({ opens: false })
    const mq = connect('ws://fake', { WebSocket: Fake, random: () => drawn, backoff: { first: 0.01, most: 0.05 } })
    mq.addEventListener('state', ({ detail }) => detail.state === 'waiting' && told.push(Math.round(detail.retryIn * 1000)))
    await until(() => told.length >= 5, 'tries')
    await mq.close()
    assert.deepEqual(told.slice(0, 5), waits)
  }
})

test('of several places it goes to the next', async (t) => {
  const { sockets } = await staged(t, { url: ['ws://a/v2', 'ws://b/v2'] })
  sockets[0].breaks()
  await until(() => sockets.length === 2, 'reconnect')
  assert.deepEqual(sockets.map(({ url }) => url), ['ws://a/v2', 'ws://b/v2'])
})

test('an address without a path is that of v2', async (t) => {
  for (const [url, dialled] of [
    ['ws://a:1', 'ws://a:1/v2'], ['wss://a/', 'wss://a/v2'], [new URL('ws://a:1'), 'ws://a:1/v2'],
    ['ws://a/v2', 'ws://a/v2'], ['ws://a/mq/v2?x', 'ws://a/mq/v2?x']
  ]) {
    const { sockets: [socket] } = await staged(t, { url })
    assert.equal(socket.url, dialled)
  }
})

test('what was not confirmed is sent again with its id, in order, before what is new', async (t) => {
  const { mq, sockets, last } = await staged(t)
  const done = ['a', 'b', 'c'].map((data) => mq.publish('t', data))
  const [a, b, c] = sockets[0].of('publish')
  sockets[0].says({ op: 'ok', id: b.id, codes: ['2'], durable: 'fsync' })
  sockets[0].breaks()
  done.push(mq.publish('t', 'd'))
  await until(() => sockets.length === 2 && last().of('publish').length === 3, 'publishes')
  assert.equal(last().of('hello')[0].session, sockets[0].of('hello')[0].session)
  const again = last().of('publish')
  assert.deepEqual(again.slice(0, 2), [a, c])
  assert.deepEqual(again.map(({ messages }) => messages[0].data), ['a', 'c', 'd'])
  assert.ok(again[2].id > c.id)
  for (const { id } of again) last().says({ op: 'ok', id, codes: [`code ${id}`], durable: 'fsync', resent: true })
  const codes = (await Promise.all(done)).map(({ code }) => code)
  assert.deepEqual(codes, [`code ${a.id}`, '2', `code ${c.id}`, `code ${again[2].id}`])
})

test('it never has more unanswered than the broker remembers', async (t) => {
  const { mq, last } = await staged(t)
  for (let i = 0; i < 1200; i++) mq.publish('t', i).catch(() => {})
  assert.equal(last().of('publish').length, 500)
  for (const { id } of last().of('publish').slice(0, 10)) last().says({ op: 'ok', id, codes: ['x'], durable: 'fsync' })
  assert.equal(last().of('publish').length, 510)
  assert.equal(mq.pending, 1190)
})

test('only so many publishes are kept, and room can be waited for', async (t) => {
  const { mq, last } = await staged(t, { maxPending: 3 })
  for (let i = 0; i < 3; i++) mq.publish('t', i).catch(() => {})
  await assert.rejects(mq.publish('t', 4), { code: 'backlog' })
  let room = false
  const waited = mq.room().then(() => { room = true })
  await turn()
  assert.equal(room, false)
  last().says({ op: 'ok', id: last().of('publish')[0].id, codes: ['x'], durable: 'fsync' })
  await waited
  mq.publish('t', 5).catch(() => {})
  assert.equal(mq.pending, 3)
})

test('and so many characters', async (t) => {
  const { mq } = await staged(t, { maxPendingCharacters: 1000 })
  mq.publish('t', 'x'.repeat(2000)).catch(() => {})
  await assert.rejects(mq.publish('t', 'y'), { code: 'backlog' })
})

test('a frame that is too long is not sent: it would end this connection and each that comes after', async (t) => {
  const { mq, last } = await staged(t)
  await assert.rejects(mq.publish('t', 'x'.repeat(9 << 20)), { code: 'tooBig' })
  assert.deepEqual(last().of('publish'), [])
  assert.equal(mq.pending, 0)
})

test('what JSON does not know is refused here', async (t) => {
  const { mq } = await staged(t)
  await assert.rejects(mq.publish('t', undefined), TypeError)
  assert.equal(mq.pending, 0)
})

test('acks of one turn go out together, nacks by their delay', async (t) => {
  const { mq, last } = await staged(t)
  const fails = { c: Object.assign(new Error('no stock'), { retryIn: 5 }), d: new Error('\ud800 half'), e: 'x'.repeat(2000) }
  const { id } = mq.subscribe('t', ({ code }) => { if (fails[code]) throw fails[code] }, { group: 'g', concurrency: 10 })
  last().delivers(id, 'a', 'b', 'c', 'd', 'e')
  await until(() => last().of('nack').length === 3, 'nacks')
  assert.deepEqual(last().of('ack'), [{ op: 'ack', sub: id, codes: ['a', 'b'] }])
  const [c, d, e] = last().of('nack')
  assert.deepEqual(c, { op: 'nack', sub: id, delay: 5, reason: 'no stock', codes: ['c'] })
  assert.deepEqual([d.reason, e.reason.length], ['\ufffd half', 1000])
})

test('a handler that settled its message is not settled for', async (t) => {
  const { mq, last, told } = await staged(t)
  const { id } = mq.subscribe('t', (message) => {
    if (message.code === 'a') message.nack({ delay: 1, reason: 'later' })
    else { message.ack(); throw new Error('after the ack') }
  }, { group: 'g' })
  last().delivers(id, 'a', 'b')
  await until(() => last().of('ack').length && last().of('nack').length, 'both')
  await turn()
  assert.deepEqual([last().of('ack'), last().of('nack')].map((of) => of.map(({ codes }) => codes)), [[['b']], [['a']]])
  assert.deepEqual(told.filter(([type]) => type === 'error').map(([, { code }]) => code), ['handler'])
})

test('as many handlers run at a time as were asked for', async (t) => {
  const { mq, last } = await staged(t)
  const running = []
  const { id } = mq.subscribe('t', (message) => new Promise((resolve) => running.push([message.code, resolve])), { group: 'g', concurrency: 2 })
  last().delivers(id, 'a', 'b', 'c')
  assert.deepEqual(running.map(([code]) => code), ['a', 'b'])
  running[0][1]()
  await until(() => running.length === 3, 'third')
})

test('what comes again while it is here is handled once', async (t) => {
  const { mq, sockets, last } = await staged(t)
  let calls = 0
  let end
  const { id } = mq.subscribe('t', () => { calls += 1; return new Promise((resolve) => { end = resolve }) }, { group: 'g' })
  last().delivers(id, 'a')
  last().delivers(id, 'a')
  sockets[0].breaks()
  await until(() => mq.state === 'open' && sockets.length === 2, 'reconnect')
  assert.deepEqual(last().of('subscribe'), sockets[0].of('subscribe'))
  last().delivers(id, 'a')
  assert.equal(calls, 1)
  end()
  await until(() => last().of('ack').length, 'ack')
  assert.deepEqual(last().of('ack')[0].codes, ['a'])
})

test('what comes again while it waits is handled once, and again once it was handled', async (t) => {
  const { mq, last } = await staged(t)
  const seen = []
  const { id } = mq.subscribe('t', async ({ code }) => { await turn(); seen.push(code) }, { group: 'g' })
  last().delivers(id, 'a', 'b')
  last().delivers(id, 'b', 'c')
  await until(() => seen.length >= 3, 'three')
  last().delivers(id, 'b')
  await until(() => seen.at(-1) === 'b', 'it again')
  assert.deepEqual(seen, ['a', 'b', 'c', 'b'])
})

test('an ack that could not be sent goes out after the next welcome; what was not begun is forgotten', async (t) => {
  const { mq, sockets, last } = await staged(t)
  const seen = []
  let end
  const { id } = mq.subscribe('t', ({ code }) => { seen.push(code); return new Promise((resolve) => { end = resolve }) }, { group: 'g' })
  last().delivers(id, 'a', 'b')
  sockets[0].breaks()
  end()
  await until(() => sockets.length === 2 && last().of('ack').length, 'ack')
  await turn()
  assert.deepEqual([seen, last().of('ack').map(({ codes }) => codes)], [['a'], [['a']]])
})

test('leases of all that is here are renewed, and by hand', async (t) => {
  const { mq, last } = await staged(t, { touchEvery: 0.01 })
  const { id } = mq.subscribe('t', (message) => { message.touch(); return new Promise(() => {}) }, { group: 'g' })
  last().delivers(id, 'a', 'b')
  assert.deepEqual(last().of('touch')[0], { op: 'touch', sub: id, codes: ['a'] })
  await until(() => last().of('touch').length >= 2, 'touch')
  assert.deepEqual(last().of('touch')[1].codes, ['a', 'b'])
})

test('who owes no acks sends none', async (t) => {
  const { mq, last } = await staged(t)
  const seen = []
  const subscription = mq.subscribe('t', ({ code }) => { seen.push(code) }, { ack: 'none' })
  assert.deepEqual(last().of('subscribe'), [{ op: 'subscribe', id: subscription.id, topic: 't', ack: 'none', credit: 100 }])
  last().delivers(subscription.id, 'a')
  await until(() => seen.length, 'message')
  await turn()
  subscription.pause()
  subscription.resume()
  assert.deepEqual(last().sent.slice(2).map(({ op, n }) => [op, n]), [['credit', 0], ['credit', 100]])
})

test('without acks more may come once there is room for it, and never without a bound', async (t) => {
  const { mq, last } = await staged(t)
  const ends = []
  const { id } = mq.subscribe('t', () => new Promise((resolve) => ends.push(resolve)), { ack: 'none', credit: 4 })
  const credits = () => last().of('credit').map(({ n }) => n)
  last().delivers(id, 'a', 'b', 'c', 'd')
  await turn()
  assert.deepEqual(credits(), []) // nothing is done yet
  for (const [at, told] of [[0, []], [1, [2]], [2, [2]]]) {
    ends[at]()
    await until(() => ends.length === at + 2, 'next')
    assert.deepEqual(credits(), told)
  }
  last().delivers(id, 'e')
  ends[3]()
  await until(() => ends.length === 5, 'fifth')
  assert.deepEqual(credits(), [2]) // one more is on its way: what is said now would come beside it
  last().delivers(id, 'f')
  assert.deepEqual(credits(), [2, 2])
})

test('without acks a pause lets nothing come, and what is here is counted by a new credit', async (t) => {
  const { mq, last } = await staged(t)
  const ends = []
  const subscription = mq.subscribe('t', () => new Promise((resolve) => ends.push(resolve)), { ack: 'none', credit: 4 })
  last().delivers(subscription.id, 'a', 'b', 'c', 'd')
  subscription.pause()
  ends[0]()
  await until(() => ends.length === 2, 'second')
  subscription.setCredit(10)
  subscription.resume()
  subscription.setCredit(2)
  assert.deepEqual(last().of('credit').map(({ n }) => n), [0, 7, 0])
})

test('without acks what is here when the connection ends is still handled: it would not come again', async (t) => {
  const { mq, sockets, last } = await staged(t)
  const [seen, ends] = [[], []]
  const { id } = mq.subscribe('t', ({ code }) => { seen.push(code); return new Promise((resolve) => ends.push(resolve)) }, { ack: 'none', credit: 4 })
  last().delivers(id, 'a', 'b', 'c')
  sockets[0].breaks()
  await until(() => sockets.length === 2 && last().of('subscribe').length, 'reconnect')
  assert.equal(last().of('subscribe')[0].credit, 1)
  ends[0]()
  await until(() => ends.length === 2, 'second')
  ends[1]()
  await until(() => ends.length === 3, 'third')
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('a subscription is paused, opened wider and left', async (t) => {
  const { mq, last } = await staged(t)
  const subscription = mq.subscribe('t', () => {}, { group: 'g', credit: 5, start: { time: 7 } })
  assert.deepEqual(last().of('subscribe')[0], { op: 'subscribe', id: subscription.id, topic: 't', group: 'g', start: { time: 7 }, credit: 5 })
  last().says({ op: 'ok', id: subscription.id })
  assert.equal(await subscription.ready, subscription)
  subscription.pause()
  subscription.setCredit(9)
  subscription.resume()
  await subscription.close()
  assert.equal(await subscription.ended, null)
  assert.deepEqual(last().sent.slice(2).map(({ op, n }) => [op, n]), [['credit', 0], ['credit', 9], ['credit', 0], ['unsubscribe', undefined]])
})

test('a refused subscription says why; one that is refused for now is tried again', async (t) => {
  const { mq, last } = await staged(t)
  const never = mq.subscribe('a..b', () => {})
  last().says({ op: 'error', id: never.id, code: 'badName', message: 'no' })
  await assert.rejects(never.ready, { code: 'badName' })
  assert.equal((await never.ended).code, 'badName')
  const later = mq.subscribe('t', () => {})
  last().says({ op: 'error', id: later.id, code: 'unavailable', message: 'disk', retryAfter: 0.01 })
  await until(() => last().of('subscribe').length === 3, 'second try')
  last().says({ op: 'ok', id: later.id })
  await later.ready
})

test('a group that was deleted ends its subscription', async (t) => {
  const { mq, sockets, last } = await staged(t)
  const subscription = mq.subscribe('t', () => {}, { group: 'g' })
  last().says({ op: 'error', sub: subscription.id, code: 'gone', message: 'deleted' })
  assert.equal((await subscription.ended).code, 'gone')
  sockets[0].breaks()
  await until(() => sockets.length === 2 && mq.state === 'open', 'reconnect')
  assert.deepEqual(last().of('subscribe'), [])
})

test('a wrong key ends it for good', async (t) => {
  const { Fake, sockets } = stage()
  Fake.prototype.greet = function () { this.says({ op: 'error', code: 'unauthorized', message: 'key: wrong or missing' }) }
  const mq = connect('ws://fake', { WebSocket: Fake })
  await assert.rejects(mq.publish('t', 'x'), { code: 'unauthorized' })
  assert.equal((await mq.closed).code, 'unauthorized')
  assert.equal(mq.state, 'closed')
  await assert.rejects(mq.publish('t', 'x'), { code: 'closed' })
  assert.equal(sockets.length, 1)
  assert.throws(() => mq.subscribe('t', () => {}), { code: 'closed' })
})

test('a hello that can succeed later is tried again', async (t) => {
  const { Fake, sockets } = stage()
  const { greet } = Fake.prototype
  Fake.prototype.greet = function () {
    if (sockets.length > 1) greet.call(this)
    else this.says({ op: 'error', code: 'unavailable', message: 'disk', retryAfter: 0.01 })
  }
  const mq = connect('ws://fake', { WebSocket: Fake, backoff: { first: 0.001 } })
  await until(() => mq.state === 'open', 'welcome')
  await mq.close()
})

test('who gives no welcome is left', async (t) => {
  const { Fake, sockets } = stage()
  Fake.prototype.greet = function () {}
  const mq = connect('ws://fake', { WebSocket: Fake, connectTimeout: 0.01, backoff: { first: 0.001 } })
  await until(() => sockets.length === 2, 'second try')
  assert.equal(sockets[0].ended, true)
  await mq.close()
})

test('a broker that is silent is asked, and then left', async (t) => {
  const { told, sockets } = await staged(t, { pulse: 0.02 })
  await until(() => sockets.length === 2, 'reconnect')
  assert.deepEqual(sockets[0].sent[1], { op: 'unsubscribe', sub: 0, id: 0 })
  assert.match(told.find(([, { state }]) => state === 'waiting')[1].reason, /^nothing was heard/)
})

test('silence that nobody asked about is borne: timers of hidden pages come late', async (t) => {
  const { mq, sockets } = await staged(t, { pulse: 0.2 })
  const { now } = Date
  t.onTestFinished(() => { Date.now = now })
  Date.now = () => now() + 3_600_000
  await until(() => sockets[0].of('unsubscribe').length, 'question')
  sockets[0].says({ op: 'error', id: 0, sub: 0, code: 'unknownSub', message: 'there is none' })
  await turn()
  assert.deepEqual([mq.state, sockets.length], ['open', 1])
})

test('a broker that answers is not', async (t) => {
  const { Fake, sockets } = stage()
  const { send } = Fake.prototype
  Fake.prototype.send = function (text) {
    send.call(this, text)
    const { op, sub, id } = JSON.parse(text)
    if (op === 'unsubscribe') this.says({ op: 'error', sub, id, code: 'unknownSub', message: 'there is none' })
  }
  const errors = []
  const mq = connect('ws://fake', { WebSocket: Fake, pulse: 0.02 })
  mq.addEventListener('error', ({ detail }) => errors.push(detail))
  await until(() => sockets[0]?.of('unsubscribe').length >= 4, 'questions')
  assert.deepEqual([sockets.length, errors.length], [1, 0])
  await mq.close()
})

test('a node that drains is left when its handlers are done, and what it refused is sent elsewhere', async (t) => {
  const { mq, sockets, last, told } = await staged(t, { url: ['ws://a', 'ws://b'] })
  let end
  const { id } = mq.subscribe('t', () => new Promise((resolve) => { end = resolve }), { group: 'g' })
  last().delivers(id, 'x')
  const first = mq.publish('t', 1)
  last().says({ op: 'drain', reason: 'this node stops' })
  const second = mq.publish('t', 2)
  const [asked] = last().of('publish')
  last().says({ op: 'error', id: asked.id, code: 'draining', message: 'no', retryAfter: 5 })
  assert.equal(last().of('publish').length, 1)
  await turn()
  assert.equal(sockets.length, 1)
  end()
  await until(() => sockets.length === 2 && last().of('publish').length === 2, 'move')
  assert.deepEqual(sockets[0].of('ack')[0].codes, ['x'])
  for (const { id, messages } of last().of('publish')) last().says({ op: 'ok', id, codes: [messages[0].data], durable: 'fsync' })
  assert.deepEqual([(await first).code, (await second).code], ['1', '2'])
  assert.deepEqual(told.filter(([type]) => type === 'drain'), [['drain', 'this node stops']])
})

test('a node that drained and is gone is waited for once, though a handler ends meanwhile', async (t) => {
  const { mq, last, told } = await staged(t, { backoff: { first: 60, most: 60 }, random: () => 1 })
  let end
  const { id } = mq.subscribe('t', () => new Promise((resolve) => { end = resolve }), { ack: 'none' })
  last().delivers(id, 'x')
  last().says({ op: 'drain', reason: 'this node stops' })
  last().breaks()
  end()
  await new Promise((resolve) => setTimeout(resolve, 120)) // it looks every 50 ms
  assert.equal(told.filter(([, detail]) => detail.state === 'waiting').length, 1)
})

test('close waits for publishes and handlers, so long', async (t) => {
  const { mq, last } = await staged(t)
  let end
  const { id } = mq.subscribe('t', () => new Promise((resolve) => { end = resolve }), { group: 'g' })
  last().delivers(id, 'a', 'b')
  const published = mq.publish('t', 1)
  const closed = mq.close()
  assert.equal(mq.state, 'closing')
  last().delivers(id, 'c')
  await turn()
  end()
  last().says({ op: 'ok', id: last().of('publish')[0].id, codes: ['x'], durable: 'fsync' })
  await Promise.all([closed, published])
  assert.deepEqual(last().sent.slice(3).map(({ op, codes }) => [op, codes]), [['credit', undefined], ['ack', ['a']], ['unsubscribe', undefined]])
  assert.equal(last().ended, 1000)
  const late = await staged(t)
  const lost = late.mq.publish('t', 1)
  await Promise.all([late.mq.close({ timeout: 0.01 }), assert.rejects(lost, { code: 'closed' })])
  await late.mq.close()
})

test('without a WebSocket, or with a wrong address, it says so', async (t) => {
  const Broken = class { constructor () { throw new SyntaxError('no URL') } }
  const mq = connect('nonsense', { WebSocket: Broken })
  assert.equal((await mq.closed).code, 'unusable')
  if (!globalThis.WebSocket) assert.throws(() => connect('ws://fake'), { code: 'unusable' })
})

test('ids go on upwards over loads of a page that keeps its session', async (t) => {
  const one = await staged(t, { session: 'kept' })
  one.mq.publish('t', 1).catch(() => {})
  await turn()
  const two = await staged(t, { session: 'kept' })
  two.mq.publish('t', 1).catch(() => {})
  const [a, b] = [one, two].map(({ last }) => last().of('publish')[0].id)
  assert.ok(b > a && Number.isSafeInteger(b))
})

test('who publishes as soon as it is open is heard by the subscriptions that were there', async (t) => {
  const { mq, sockets, last } = await staged(t)
  mq.subscribe('t.*', () => {}, { ack: 'none' })
  mq.addEventListener('state', ({ detail }) => {
    if (detail.state !== 'open') return
    mq.publish('t.a', 'x').catch(() => {}) // nobody confirms it
    mq.subscribe('u', () => {})
  })
  sockets[0].breaks()
  await until(() => sockets.length === 2 && last().of('publish').length === 1, 'publish')
  await turn()
  const asked = last().sent.slice(1).map(({ op, topic }) => `${op} ${topic}`)
  assert.deepEqual(asked, ['subscribe t.*', 'publish t.a', 'subscribe u'])
})
