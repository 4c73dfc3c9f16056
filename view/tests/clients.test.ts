import { describe, expect, it } from 'vitest'
import { consumers, does, has, held, places, publishRates } from '@/pages/clients'
import type { ClientView, MemberView } from '@/api'

const client = (changes: Partial<ClientView>): ClientView => ({
  number: 1, kind: 'v2', id: 'w', topic: '', address: '10.0.0.1', joinTime: 5, session: 's', published: 0, subscriptions: [], ...changes,
})
const member = (changes: Partial<MemberView>): MemberView => ({ label: 'w 10.0.0.1', topic: 't', group: 'g', credit: 5, inFlight: 2, ...changes })
const SUB = { sub: 1, topic: 't', group: 'g' }

describe('a connection', () => {
  it('does what it was seen to', () => {
    const all = [client({ kind: 'producer' }), client({ kind: 'consumer' }), client({}), client({ published: 1 }), client({ subscriptions: [SUB] }), client({ published: 1, subscriptions: [SUB] })]
    expect(all.map(does)).toEqual(['produces', 'consumes', 'nothing', 'produces', 'consumes', 'both'])
  })
  it('is busy in its topic, or in those of its subscriptions', () => {
    expect(places(client({ kind: 'producer', topic: 'p' }))).toEqual(['p'])
    expect(places(client({ subscriptions: [SUB, { ...SUB, group: null }] }))).toEqual(['t / g', 't'])
  })
})

describe('consumers', () => {
  it('are found by their label and what they consume', () => {
    const one = client({ number: 1, subscriptions: [SUB] })
    const classic = client({ number: 2, kind: 'consumer', id: 'c', topic: 't', subscriptions: [] })
    const found = consumers([one, classic, client({ number: 3 })], [member({}), member({ label: 'c 10.0.0.1', group: 'default' }), member({ group: 'other' }), member({ label: 'poll' })])
    expect(found.map((row) => row.client?.number)).toEqual([1, 2, undefined, undefined])
    expect(held(found)).toEqual(new Map([[1, 2], [2, 2]]))
  })
  it('stay without a connection where two would do', () => {
    const twins = [client({ number: 1, subscriptions: [SUB] }), client({ number: 2, subscriptions: [SUB] })]
    expect(consumers(twins, [member({}), member({})]).map((row) => row.client)).toEqual([undefined, undefined])
  })
  it('hold what all their subscriptions do', () => {
    const one = client({ subscriptions: [SUB, { ...SUB, topic: 'u' }] })
    expect(held(consumers([one], [member({}), member({ topic: 'u', inFlight: 3 })]))).toEqual(new Map([[1, 5]]))
  })
})

describe('rates', () => {
  it('are those of connections that were there before', () => {
    const before = { at: 10, clients: [client({ number: 1, published: 5 }), client({ number: 2, published: null })] }
    const now = { at: 12, clients: [client({ number: 1, published: 25 }), client({ number: 2, published: null }), client({ number: 3, published: 9 })] }
    expect(publishRates(before, now)).toEqual(new Map([[1, 10]]))
    expect(publishRates(undefined, now).size).toBe(0)
    expect(publishRates(now, now).size).toBe(0)
  })
})

describe('finding', () => {
  it('wants all the words, anywhere', () => {
    expect(has(['Worker-1', null, 'orders.eu'], 'ORDERS worker')).toBe(true)
    expect(has(['Worker-1', 'orders.eu'], 'orders.us')).toBe(false)
    expect(has(['x'], '')).toBe(true)
  })
})
