import { describe, expect, it } from 'vitest'
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

describe('the picture', () => {
  const many = (count: number): MemberView[] => Array.from({ length: count }, (_, n) => member(`m${n}`, { rtt: 0.0001 * (n + 1) }))
  const far = (one: { x: number, y: number }): number => Math.hypot((one.x - 320) / 244, (one.y - 170) / 122)

  it('has this node in the middle, and the others nearer the sooner they answer', () => {
    const { places, rest } = place([member('me', { rtt: null }), ...many(3)], 'me', 640, 340)
    expect([places.at(-1)!.self, places.at(-1)!.x, places.at(-1)!.y, rest]).toEqual([true, 320, 170, 0])
    const [a, b, c] = places.map(far) as [number, number, number]
    expect(a).toBeLessThan(b)
    expect(b).toBeLessThan(c)
  })
  it('has at the edge who has not answered, or is gone', () => {
    for (const more of [{ rtt: null }, { state: 'dead' as const }, { state: 'left' as const }]) {
      expect(far(place([member('x', more), ...many(2)], undefined, 640, 340).places[0]!)).toBeCloseTo(1)
    }
  })
  it('stays within its bounds, with nobody, one, and many', () => {
    for (const count of [0, 1, 2, 500]) {
      for (const width of [240, 640, 1200]) {
        const { places, rest } = place(many(count), undefined, width, 340)
        expect(places.length + rest).toBe(count)
        for (const one of places) {
          expect(one.x).toBeGreaterThanOrEqual(0)
          expect(one.x).toBeLessThanOrEqual(width)
          expect(one.y).toBeGreaterThanOrEqual(0)
          expect(one.y).toBeLessThanOrEqual(340)
        }
      }
    }
  })
  it('leaves out the gone first where there are too many', () => {
    const { places, rest } = place([...many(50).map((one) => ({ ...one, name: `d${one.name}`, state: 'dead' as const })), ...many(100)], undefined, 640, 340)
    expect(rest).toBe(50)
    expect(places.every((one) => one.member.state === 'alive')).toBe(true)
  })
})
