// The browser client against a real broker.
import test from 'node:test'
import assert from 'node:assert/strict'
import { client, until } from './rig.mjs'

const TEXT = 'päron "quoted" \\ <b>&</b> \u{1f980} \u0000\u0001\u2028\ufeff in one line'
const MIB = 1 << 20

test('it publishes and subscribes, with all that a message may have', async (t) => {
  const mq = client(t)
  const seen = []
  const subscription = mq.subscribe('all.*', (message) => { seen.push(message) }, { group: 'g' })
  assert.equal(await subscription.ready, subscription)
  const before = Date.now() / 1000
  const published = await mq.publish('all.eu', { n: [1, null, 'ä'] }, { key: '17', headers: { traceparent: 'x' }, durable: true })
  assert.match(published.code, /^[0-9a-f]{40}$/)
  assert.deepEqual(published, { code: published.code, duplicate: false, durable: 'fsync', resent: false })
  const [message] = await until(() => seen.length && seen, 'message')
  assert.deepEqual(message.json(), { n: [1, null, 'ä'] })
  assert.deepEqual([message.topic, message.code, message.attempt, message.key, message.headers],
    ['all.eu', published.code, 1, '17', { traceparent: 'x' }])
  assert.ok(Math.abs(message.createTime - before) < 60)
  const again = await mq.publish('all.eu', 'other', { key: '17' })
  assert.deepEqual([again.code, again.duplicate], [published.code, true])
  await subscription.close()
})

test('texts arrive as they are', async (t) => {
  const mq = client(t)
  const seen = []
  await mq.subscribe('texts', ({ data }) => { seen.push(data) }, { group: 'g' }).ready
  const texts = [TEXT, '', '"', '{"op":"hello"}', '[]', 'null', '\r\n', '\u{10ffff}']
  await Promise.all(texts.map((text) => mq.publish('texts', text)))
  await until(() => seen.length === texts.length, 'texts')
  assert.deepEqual(seen, texts)
  let deep = 0
  for (let i = 0; i < 900; i++) deep = [deep]
  await mq.publish('texts', deep)
  await until(() => seen.length > texts.length, 'deep one')
  assert.equal(seen.at(-1), JSON.stringify(deep))
})

test('half a surrogate pair costs its publish, and nothing else', async (t) => {
  const mq = client(t)
  await assert.rejects(mq.publish('half', '\ud800'), { code: 'badRequest' })
  await mq.publish('half', 'whole')
})

test('1 MiB passes, a byte more does not, and nor does far more', async (t) => {
  const mq = client(t)
  const seen = []
  await mq.subscribe('big', ({ data }) => { seen.push(data) }, { group: 'g' }).ready
  const escaped = '\u0001'.repeat(MIB)
  await Promise.all([mq.publish('big', 'x'.repeat(MIB)), mq.publish('big', escaped)])
  await until(() => seen.length === 2, 'bodies')
  assert.ok(seen[0] === 'x'.repeat(MIB) && seen[1] === escaped)
  await assert.rejects(mq.publish('big', 'x'.repeat(MIB + 1)), { code: 'tooBig', index: 0 })
  await assert.rejects(mq.publish('big', 'ä'.repeat(9 * MIB)), { code: 'tooBig' })
  await mq.publish('big', 'small')
})

test('all of a batch is stored, or nothing of it', async (t) => {
  const mq = client(t)
  const { codes, duplicates, durable } = await mq.publishMany('batch', [{ data: 'a' }, { data: 'b', key: 'k' }, { data: 'c', key: 'k' }])
  assert.deepEqual([codes.length, duplicates, durable], [3, [2], 'fsync'])
  await assert.rejects(mq.publishMany('batch', [{ data: 'd' }, { data: 'e', delay: 1, at: 1 }]), { code: 'badMessage', index: 1 })
  await assert.rejects(mq.publish('a.*', 'x'), { code: 'badName' })
  const seen = []
  mq.subscribe('batch', ({ data }) => { seen.push(data) }, { group: 'g', start: 'all' })
  await mq.publish('batch', 'end')
  await until(() => seen.includes('end'), 'messages')
  assert.deepEqual(seen, ['a', 'b', 'end'])
})

test('what a handler throws at comes again, when it says', async (t) => {
  const mq = client(t)
  const seen = []
  const errors = []
  mq.addEventListener('error', ({ detail }) => errors.push(detail))
  const subscription = mq.subscribe('again', async ({ attempt }) => {
    seen.push(attempt)
    if (attempt < 3) throw Object.assign(new Error('not yet'), { retryIn: 0.02 })
  }, { group: 'g' })
  await subscription.ready
  await mq.publish('again', 'x')
  await until(() => seen.length === 3, 'third attempt')
  assert.deepEqual(seen, [1, 2, 3])
  assert.deepEqual(errors.map(({ code, cause }) => [code, cause.message]), [['handler', 'not yet'], ['handler', 'not yet']])
})

test('two members share a group, and a group of its own gets all', async (t) => {
  const mq = client(t)
  const [a, b, all] = [[], [], []]
  await Promise.all([
    mq.subscribe('shared', ({ data }) => { a.push(data) }, { group: 'g' }).ready,
    mq.subscribe('shared', ({ data }) => { b.push(data) }, { group: 'g' }).ready,
    mq.subscribe('shared', ({ data }) => { all.push(data) }, { ack: 'none' }).ready
  ])
  const texts = Array.from({ length: 50 }, (_, i) => `${i}`)
  await Promise.all(texts.map((text) => mq.publish('shared', text)))
  await until(() => a.length + b.length === 50 && all.length === 50, 'messages')
  assert.deepEqual([...a, ...b].sort(), [...texts].sort())
  assert.deepEqual(all, texts)
})

test('credit bounds what is here, and a pause what comes', async (t) => {
  const mq = client(t)
  const ends = []
  const subscription = mq.subscribe('credit', () => new Promise((resolve) => ends.push(resolve)), { group: 'g', credit: 3, concurrency: 10 })
  await subscription.ready
  await mq.publishMany('credit', Array.from({ length: 10 }, (_, data) => ({ data })))
  await until(() => ends.length === 3, 'three')
  await mq.publish('credit', 'sync')
  assert.equal(subscription.held, 3)
  subscription.setCredit(5)
  await until(() => ends.length === 5, 'five')
  subscription.pause()
  ends.forEach((end) => end())
  await until(() => subscription.held === 0, 'acks')
  await mq.publish('credit', 'sync')
  assert.equal(ends.length, 5)
  subscription.resume()
  await until(() => ends.length === 10, 'the next five')
})

test('without acks a slow handler has no more here than its credit, and all in their order', async (t) => {
  const mq = client(t)
  const seen = []
  let begin
  let most = 0
  const begun = new Promise((resolve) => { begin = resolve })
  const subscription = mq.subscribe('unowed', async ({ data }) => {
    await begun
    most = Math.max(most, subscription.held)
    seen.push(Number(data))
  }, { ack: 'none', credit: 20 })
  await subscription.ready
  for (let i = 0; i < 1000; i += 100) await mq.publishMany('unowed', Array.from({ length: 100 }, (_, n) => ({ data: i + n })))
  await mq.publish('other', 'sync')
  assert.equal(subscription.held, 20)
  begin()
  await until(() => seen.length === 1000, 'all of them')
  assert.deepEqual(seen, Array.from({ length: 1000 }, (_, n) => n))
  assert.ok(most <= 20, `${most} were here`)
})

test('a wrong key ends the client, and says so to everybody', async (t) => {
  const states = []
  const mq = client(t, { key: 'guess' })
  mq.addEventListener('state', ({ detail }) => states.push(detail.state))
  const subscription = mq.subscribe('t', () => {})
  await assert.rejects(mq.publish('t', 'x'), { name: 'KapokError', code: 'unauthorized' })
  await assert.rejects(subscription.ready, { code: 'unauthorized' })
  assert.equal((await mq.closed).code, 'unauthorized')
  assert.deepEqual([mq.state, states], ['closed', ['closed']])
})

test('while nobody is there it tries again, and keeps a bounded number of publishes', async (t) => {
  const waits = []
  const mq = client(t, { maxPending: 3, backoff: { first: 0.01, most: 0.02 } }, 'ws://127.0.0.1:1/v2')
  mq.addEventListener('state', ({ detail }) => detail.state === 'waiting' && waits.push(detail))
  const kept = [1, 2, 3].map((n) => mq.publish('t', n))
  await assert.rejects(mq.publish('t', 4), { code: 'backlog' })
  await until(() => waits.length >= 3, 'tries')
  assert.ok(waits.every(({ retryIn, reason }) => retryIn <= 0.02 && reason))
  await Promise.all([mq.close({ timeout: 0.01 }), ...kept.map((one) => assert.rejects(one, { code: 'closed' }))])
})

test('many publishes at once are all confirmed', async (t) => {
  const mq = client(t)
  const codes = await Promise.all(Array.from({ length: 3000 }, (_, i) => mq.publish('many', i).then(({ code }) => code)))
  assert.equal(new Set(codes).size, 3000)
})
