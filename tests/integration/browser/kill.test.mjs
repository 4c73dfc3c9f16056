// The browser client, and a broker that is killed with kill -9 and started again: nothing lost, nothing stored twice.
import test from 'node:test'
import assert from 'node:assert/strict'
import { client, outside, until } from './rig.mjs'

const COUNT = 1500

test('a killed broker loses nothing and stores nothing twice', { timeout: 90_000 }, async (t) => {
  const mq = client(t, { backoff: { first: 0.05, most: 0.2 } })
  const states = []
  mq.addEventListener('state', ({ detail }) => states.push(detail.state))
  const handled = new Set()
  const live = mq.subscribe('load', async ({ data }) => { handled.add(data) }, { group: 'live', concurrency: 10 })
  await live.ready
  const published = []
  let confirmed = 0
  let killed
  for (let i = 0; i < COUNT; i++) {
    published.push(mq.publish('load', `${i}`).then((told) => { confirmed += 1; return told }))
    if (i % 50 === 49) await until(() => confirmed >= i - 300 || killed && mq.state !== 'open', 'confirmations')
    if (i === 700) killed = outside('kill')
    if (i > 700) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await killed
  const codes = (await Promise.all(published)).map(({ code }) => code)
  assert.equal(new Set(codes).size, COUNT)
  assert.ok(states.includes('waiting') && states.at(-1) === 'open', states.join())

  const stored = []
  mq.subscribe('load', ({ data, code }) => { stored.push([data, code]) }, { group: 'audit', start: 'all', credit: 1000 })
  await until(() => stored.length >= COUNT, 'messages')
  await mq.publish('load', 'end')
  await until(() => stored.some(([data]) => data === 'end'), 'end')
  assert.deepEqual(stored.slice(0, -1).map(([data]) => Number(data)).sort((a, b) => a - b), [...codes.keys()])
  assert.deepEqual(new Set(stored.slice(0, -1).map(([, code]) => code)), new Set(codes))
  await until(() => handled.size === COUNT + 1, 'handled messages')
})
