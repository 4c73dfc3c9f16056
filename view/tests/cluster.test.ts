import { describe, expect, it } from 'vitest'
import { isAlone } from '@/pages/cluster/cluster'
import { place } from '@/registry/graph'
import { gossip, meta, page, Pool, type MemberView } from '@/registry/members'

const member = (name: string, more: Partial<MemberView> = {}): MemberView => ({
  name, kind: 'mq', address: '10.0.0.1', port: 8021, state: 'alive', incarnation: 1, meta: null, rtt: 0.001, since: 1, ...more,
})
const snapshot = (members: MemberView[], more = false, anew = true) => ({ members, more, anew })

describe('the pool', () => {
  it('is whole after the last part of a snapshot, and begins anew with the next', () => {
    const pool = new Pool()
    pool.take('snapshot', snapshot([member('a')], true), 1)
    expect(pool.whole).toBe(false)
    pool.take('snapshot', snapshot([member('b')], false, false), 1)
    expect([pool.whole, [...pool.members.keys()], pool.changes]).toEqual([true, ['a', 'b'], []])
    pool.take('snapshot', snapshot([member('c')]), 2)
    expect([...pool.members.keys()]).toEqual(['c'])
  })
  it('tells what became of a member', () => {
    const pool = new Pool()
    const events: [string, Partial<MemberView>, string | undefined][] = [
      ['join', {}, 'joined'],
      ['update', {}, undefined],
      ['update', { meta: { v: '1', p: [], l: 3 } }, 'changed'],
      ['update', { state: 'suspect' }, 'suspected'],
      ['update', { state: 'alive' }, 'back'],
      ['fail', { state: 'dead' }, 'failed'],
      ['join', { state: 'alive' }, 'joined'],
      ['leave', { state: 'left' }, 'left'],
      ['forget', { state: 'left' }, 'forgotten'],
      ['forget', { state: 'left' }, undefined],
    ]
    pool.take('snapshot', snapshot([]), 0)
    let meta: unknown = null
    for (const [event, more, what] of events) {
      meta = more.meta ?? meta
      const before = pool.changes
      pool.take(event, member('m', { meta, ...more }), 5)
      expect([event, pool.changes === before ? undefined : pool.changes[0]!.what]).toEqual([event, what])
    }
    expect(pool.members.size).toBe(0)
    expect(new Set(pool.changes.map((one) => one.serial)).size).toBe(pool.changes.length)
  })
  it('is told how soon everybody answers, and by the stream who is there', () => {
    const pool = new Pool()
    pool.take('snapshot', snapshot([member('a', { state: 'suspect' })]), 1)
    pool.measure([member('a', { rtt: 0.5, meta: { v: '1', p: [], l: 9 } }), member('b')])
    expect([...pool.members.values()]).toEqual([member('a', { state: 'suspect', rtt: 0.5, meta: { v: '1', p: [], l: 9 } })])
    expect(pool.changes).toEqual([])
  })
  it('has no line for another load', () => {
    const pool = new Pool()
    pool.take('snapshot', snapshot([member('a', { meta: { v: '1', p: [], l: 1 } })]), 1)
    pool.take('update', member('a', { meta: { v: '1', p: [], l: 2 } }), 2)
    expect(pool.changes).toEqual([])
    pool.take('update', member('a', { meta: { v: '2', p: [], l: 2 } }), 3)
    expect(pool.changes.map((one) => one.what)).toEqual(['changed'])
  })
  it('keeps a few changes only', () => {
    const pool = new Pool()
    for (let n = 0; n < 100; n++) pool.take('join', member(String(n)), n)
    expect([pool.changes.length, pool.changes[0]!.name]).toEqual([12, '99'])
  })
})

describe('a member', () => {
  it('says of itself what it likes', () => {
    expect(meta(member('a', { meta: { v: '0.1', p: ['v2'], l: 3 } }))).toEqual({ version: '0.1', protocols: ['v2'], load: 3 })
    for (const other of [null, 'YmFzZTY0', 7, {}, { v: 1 }]) expect(meta(member('a', { meta: other }))).toBeUndefined()
    expect(meta(member('a', { meta: { v: 'x', p: 'no', l: 'no' } }))).toEqual({ version: 'x', protocols: [], load: 0 })
  })
  it('has a page if it is one of ours', () => {
    expect(page(member('mq:10.0.0.3:8011'), 'http:')).toBe('http://10.0.0.3:8011/')
    expect(page(member('r:[::1]:8031', { kind: 'r' }), 'https:')).toBe('https://[::1]:8031/')
    expect(page(member('mq:10.0.0.3:8011', { kind: null }), 'http:')).toBeUndefined()
    for (const name of ['mq:a/b:1', 'mq:user@host:1', 'mq:x:1/..', 'javascript:1:1', 'mq:host']) {
      expect([name, page(member(name), 'http:')]).toEqual([name, undefined])
    }
    expect(page(member('mq:h:1'), 'file:')).toBeUndefined()
  })
  it('gossips at an address that can be read', () => {
    expect(gossip(member('a'))).toBe('10.0.0.1:8021')
    expect(gossip(member('a', { address: '::1' }))).toBe('[::1]:8021')
  })
})

describe('a node', () => {
  const setting = (path: string, value: unknown) => ({ path, value, default: 0, source: 'file' })
  it('is on its own unless its settings say otherwise', () => {
    expect(isAlone([])).toBe(true)
    expect(isAlone([setting('cluster.isCluster', 0), setting('mq.isSync', 1)])).toBe(true)
    expect(isAlone([setting('cluster.isCluster', 1)])).toBe(false)
  })
})

describe('the picture', () => {
  const many = (count: number): MemberView[] => Array.from({ length: count }, (_, n) => member(`mq:10.0.0.${n}:8011`))

  it('has this node in the middle of a ring, and lines then', () => {
    const { places, ring, rest } = place([member('me'), ...many(3)], 'me', 1_000)
    const me = places.find((one) => one.self)!
    expect([me.member.name, me.x, ring, rest, places.length]).toEqual(['me', 500, true, 0, 4])
    expect(Math.min(...places.map((one) => one.y))).toBeLessThan(me.y)
    expect(Math.max(...places.map((one) => one.y))).toBeGreaterThan(me.y)
  })
  it('stands still when somebody answers later, or not at all', () => {
    const before = place([member('me'), ...many(5)], 'me', 1_000)
    const after = place([member('me'), ...many(5).map((one) => ({ ...one, rtt: null, state: 'dead' as const }))].reverse(), 'me', 1_000)
    expect(after.places.map((one) => [one.member.name, one.x, one.y])).toEqual(before.places.map((one) => [one.member.name, one.x, one.y]))
  })
  it('has rows where names would lie upon each other, this node first, then registries, and 9 before 10', () => {
    const { places, ring } = place([member('me'), ...many(60), member('r:a:1', { kind: 'r' })], 'me', 1_000)
    expect(ring).toBe(false)
    expect(places.map((one) => one.member.name).slice(0, 3)).toEqual(['me', 'r:a:1', 'mq:10.0.0.0:8011'])
    expect(places.findIndex((one) => one.member.name.includes('.10:'))).toBe(places.findIndex((one) => one.member.name.includes('.9:')) + 1)
  })
  it('keeps everybody apart and within its bounds', () => {
    for (const count of [0, 1, 2, 3, 4, 9, 24, 60, 500]) {
      for (const width of [240, 311, 640, 1_200]) {
        const { places, height, rest } = place(many(count), many(1)[0]!.name, width)
        expect(places.length + rest).toBe(count)
        const inside = places.every((one) => one.x >= 0 && one.x <= width && one.y >= 20 && one.y + 40 <= height)
        const apart = places.every((one, index) => places.slice(index + 1).every((other) => Math.abs(one.x - other.x) >= 100 || Math.abs(one.y - other.y) >= 60))
        expect([count, width, inside, apart]).toEqual([count, width, true, true])
      }
    }
  })
  it('leaves out the gone first where there are too many', () => {
    const { places, rest } = place([...many(50).map((one) => ({ ...one, name: `d${one.name}`, state: 'dead' as const })), ...many(120)], undefined, 640)
    expect(rest).toBe(50)
    expect(places.every((one) => one.member.state === 'alive')).toBe(true)
  })
})
