import { has, isPattern, matches } from '@/names'
import { describe, expect, it } from 'vitest'
import { does, groupsOf, held, inTrouble, places, publishRates, Watch, type Consumer } from '@/pages/clients/clients'
import type { ClientView, GroupsView, GroupView, MemberView } from '@/api'

const client = (changes: Partial<ClientView>): ClientView => ({
  number: 1, kind: 'v2', id: 'w', topic: '', address: '10.0.0.1', joinTime: 5, session: 's', published: 0, subscriptions: [], ...changes,
})
const member = (changes: Partial<MemberView>): MemberView => ({
  label: 'w 10.0.0.1', number: 1, address: '10.0.0.1', since: 5, topic: 't', group: 'g', credit: 5, inFlight: 2, delivered: 10, acked: 8, ...changes,
})
const group = (changes: Partial<GroupView>): GroupView => ({
  topic: 't', name: 'g', mode: 'queue', config: {}, effective: {}, mark: 0, next: 0, lag: 100, inFlight: 20, dead: 0, members: 1, oldest: 900, ...changes,
})
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

/** Looks a second apart, from the wall's 1,000th second on. */
function follow (...looks: { members: MemberView[], groups?: GroupView[], clients?: ClientView[], at?: number }[]): Consumer[][] {
  const watch = new Watch()
  return looks.map(({ members, groups = [group({})], clients = [], at }, index) =>
    watch.take({ at: at ?? index, wall: 1_000 + (at ?? index), clients, members, groups }))
}
const plights = (looks: Consumer[][]): string[] => looks.map(([first]) => first!.plight)

describe('consumers', () => {
  it('have the connection of their number', () => {
    const one = client({ number: 7 })
    const found = follow({ clients: [one], members: [member({ number: 7 }), member({ number: null }), member({ number: 8 })] })[0]!
    expect(found.map((row) => row.client?.number).sort()).toEqual([7, undefined, undefined])
    expect(held(found)).toEqual(new Map([[7, 2], [8, 2]]))
  })
  it('have rates from one look to the next, each its own, twins too', () => {
    const [first, then] = follow(
      { members: [member({}), member({})] },
      { members: [member({ delivered: 30, acked: 12 }), member({})], at: 2 },
    )
    expect(first!.map((row) => row.ackedRate)).toEqual([undefined, undefined])
    expect(then!.map((row) => [row.deliveredRate, row.ackedRate])).toEqual([[10, 2], [0, 0]])
    expect(new Set(then!.map((row) => row.key)).size).toBe(2)
  })
  it('have none of what happened while nobody looked', () => {
    const watch = new Watch()
    const take = (at: number, acked: number): (number | undefined)[] =>
      watch.take({ at, wall: 1_000 + at, clients: [], members: [member({ acked })], groups: [] }).map((row) => row.ackedRate)
    const first = [take(0, 0), take(1, 5)]
    watch.rest()
    expect([...first, take(3_600, 9_000), take(3_602, 9_010)]).toEqual([[undefined], [5], [undefined], [5]])
  })
  it('are stuck that hold all they may and acknowledge nothing', () => {
    const full = { credit: 0, inFlight: 20 }
    expect(plights(follow({ members: [member(full)] }, { members: [member(full)], at: 9 }, { members: [member(full)], at: 10 }, { members: [member({ ...full, acked: 9 })], at: 11 })))
      .toEqual(['full', 'full', 'stuck', 'full'])
  })
  it('are stuck from the first look on that never acknowledged anything', () => {
    const never = { credit: 0, inFlight: 20, acked: 0 }
    expect(follow({ members: [member({ ...never, since: 100 })] })[0]![0]).toMatchObject({ plight: 'stuck', quiet: 100 }) // the group's oldest is of 900
    expect(follow({ members: [member({ ...never, since: 995 })] })[0]![0]).toMatchObject({ plight: 'full', quiet: 5 })
  })
  it('fare as they and their groups do', () => {
    const cases: [Partial<MemberView>, Partial<GroupView>, string][] = [
      [{ credit: 0 }, { lag: 20 }, 'busy'],
      [{ credit: 3 }, {}, 'busy'],
      [{ credit: 0, inFlight: 0 }, {}, 'refuses'],
      [{ credit: 0, inFlight: 0 }, { lag: 20 }, 'idle'],
      [{ inFlight: 0 }, {}, 'idle'],
      [{ credit: 0 }, { config: { paused: true } }, 'paused'],
      [{ group: null, inFlight: 0 }, {}, 'listens'],
      [{ credit: null, inFlight: 5 }, {}, 'busy'],
    ]
    for (const [one, its, plight] of cases) expect([one, plights(follow({ members: [member(one)], groups: [group(its)] }))]).toEqual([one, [plight]])
  })
  it('are at work that acknowledge, although they hold nothing at the moment', () => {
    expect(plights(follow({ members: [member({ inFlight: 0 })] }, { members: [member({ inFlight: 0, acked: 9 })], at: 1 }))).toEqual(['idle', 'busy'])
  })
  it('of a pattern stand as all its groups do together', () => {
    const groups = [group({ topic: 'a.b', lag: 30, inFlight: 10, oldest: null }), group({ topic: 'a.c', lag: 5, inFlight: 5, oldest: 40 }), group({ topic: 'b', lag: 99 }), group({ topic: 'a.b', name: 'other' })]
    expect(follow({ members: [member({ topic: 'a.*' })], groups })[0]![0]).toMatchObject({ waiting: 20, oldest: 40 })
    expect(follow({ members: [member({ topic: 'x.*' })], groups })[0]![0]!.waiting).toBeUndefined()
  })
  it('come first that are in trouble, the slowest of a group before the others', () => {
    const look = (more: number) => ({ members: [member({ label: 'idle', inFlight: 0 }), member({ label: 'quick', credit: 0, acked: 8 + 9 * more }), member({ label: 'slow', credit: 0, acked: 8 + more })] })
    const [, found] = follow(look(0), look(1))
    expect(found!.map((row) => row.label)).toEqual(['slow', 'quick', 'idle'])
    expect(found!.map(inTrouble)).toEqual([true, true, false])
  })
})

describe('groups', () => {
  const page = (cursor: string | null, ...names: string[]): GroupsView => ({ groups: names.map((name) => group({ name })), cursor })
  const asked: string[] = []
  const ask = async (cursor: string): Promise<GroupsView> => {
    asked.push(cursor)
    return await Promise.resolve(page(`${cursor}+`, cursor))
  }
  const names = async (members: MemberView[], first: GroupsView): Promise<string> => (await groupsOf(members, first, ask)).map((one) => one.name).join(' ')
  it('are read on until all that members are in are there', async () => {
    expect(await names([member({ group: 'x' }), member({ group: 'c+' }), member({ group: null })], page('c', 'x'))).toBe('x c c+')
    expect(asked.splice(0)).toEqual(['c', 'c+'])
    expect(await names([member({ group: 'x' })], page('c', 'x'))).toBe('x')
    expect(await names([member({ group: 'y' })], page(null, 'x'))).toBe('x')
    expect(asked).toEqual([])
  })
  it('are not read for ever', async () => {
    await names([member({ topic: 'a.>' })], page('c', 'x'))
    expect(asked.splice(0)).toHaveLength(19)
  })
})

describe('patterns', () => {
  it('are told from names', () => {
    expect(['a.*', '>', 'a.>', '*'].map(isPattern)).toEqual([true, true, true, true])
    expect(['a', 'a*', 'a.>.b', 'a>'].map(isPattern)).toEqual([false, false, false, false])
  })
  it('match level by level, and the rest', () => {
    expect(['a.b', 'a.b.c', 'a', 'x.b'].map((topic) => matches('a.*', topic))).toEqual([true, false, false, false])
    expect(['a.b', 'a.b.c', 'a', 'x.b'].map((topic) => matches('a.>', topic))).toEqual([true, true, false, false])
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
