import { mark, everything } from '@/api'
import { isPattern } from '@/names'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GroupView, NowView, TopicView } from '@/api'
import { came, done, groupRows, groupId, hourly, Movements, named, pace, sumHours, topicRows, troubled } from '@/pages/topics/topics'
import { nameable, rest, watchSome } from '@/pages/topics/rounds'
import { tellsAll, useTopics } from '@/pages/topics/watch'
import { ref } from 'vue'
import { broker, json, put, settle, Stream, within } from './support'

const group = (name: string, more: Partial<GroupView> = {}): GroupView => ({
  topic: 'orders', name, mode: 'queue', config: {}, effective: {}, mark: 0, next: 10, lag: 4, inFlight: 1, dead: 0, members: 2, oldest: null, ...more,
})
const topic = (more: Partial<TopicView> = {}): TopicView => ({
  name: 'orders', counts: { all: 10, consumed: 5, delayed: 2, waiting: 3, inFlight: 1, dead: 0, bytes: 99 }, policy: {}, effective: {}, groups: ['a', 'b'], ...more,
})

describe('movements', () => {
  it('are rates by key, and forget what is gone', () => {
    const moves = new Movements()
    for (const [at, total] of [[0, 5], [2, 25], [4, 25]] as const) moves.take(at, [['x', total], ['y', 1]])
    expect([moves.series('x'), moves.now('x'), moves.series('y')]).toEqual([[10, 0], 5, [0, 0]])
    moves.take(6, [['y', 1]])
    expect([moves.series('x'), moves.now('x')]).toEqual([[], undefined])
  })
  it('begin anew at a broker that has', () => {
    const moves = new Movements()
    moves.take(0, [['x', 100]])
    moves.take(1, [['x', 3]])
    expect(moves.now('x')).toBe(0)
  })
  it('take no step back for a move, but for one that is large', () => {
    const moves = new Movements(5)
    for (const [at, total] of [[0, 10], [1, 8], [2, 10], [3, 12], [4, 1], [5, 2]] as const) moves.take(at, [['x', total]])
    expect(moves.series('x')).toEqual([0, 0, 2, 0, 1])
  })
  it('are none of what is said not to move, nor of what is not known yet', () => {
    const moves = new Movements()
    for (const [at, total] of [[0, undefined], [1, 10], [2, undefined], [3, 14]] as const) moves.take(at, [['x', total]])
    expect(moves.series('x')).toEqual([0, 4])
    expect(groupRows([group('a', { members: 0, inFlight: 0 })], moves, 1)[0]!.now).toBe(0)
  })
  it('are none of what happened while nobody looked', () => {
    const moves = new Movements(5)
    for (const [at, total] of [[0, 0], [2, 20]] as const) moves.take(at, [['x', total]])
    moves.rest()
    moves.take(900, [['x', 9_000]])
    expect([moves.now('x'), moves.series('x')]).toEqual([undefined, []])
    moves.take(902, [['x', 9_006]])
    expect(moves.now('x')).toBe(3)
  })
  it('of a topic go by its groups, else by what is stored', () => {
    expect(came(topic(), [group('a', { next: 12 }), group('b', { next: 11 })])).toBe(12)
    expect(came(topic(), [])).toBe(10)
  })
  it('of a group do not take a delayed message for one that is done', () => {
    const before = done(group('a', { next: 10, lag: 4 }), 0)
    expect(done(group('a', { next: 11, lag: 4 }), 1)).toBe(before)
    expect(done(group('a', { next: 11, lag: 5 }), 0)).toBe(before)
    expect(done(group('a', { next: 11, lag: 4 }), 0)).toBe(before! + 1)
    expect(done(group('a', { members: 0, inFlight: 0 }), 0)).toBeUndefined()
  })
  it('of a topic sum the hours', () => {
    const hour = { at: 0, published: 3, delivered: 5, consumed: 0, retried: 0, expired: 0, deleted: 0, cleaned: 0 }
    expect(sumHours([hour, { ...hour, published: 1 }])).toEqual({ published: 4, delivered: 10 })
  })
})

describe('rows', () => {
  it('of topics have the furthest lag, and all consumers', () => {
    const [row] = topicRows([topic({ policy: { paused: true } })], [group('a', { lag: 7 }), group('b'), group('c', { topic: 'else', lag: 99 })], new Movements(), 50)
    expect(row).toMatchObject({ name: 'orders', paused: true, lag: 7, consumers: 4, groups: 2, waiting: 3, now: undefined, series: [], age: undefined, deserted: 0 })
    expect(topicRows([topic()], [], new Movements(), 50)[0]).toMatchObject({ lag: 0, consumers: 0, paused: false })
  })
  it('of topics say what waits longest, and for how many groups nobody is there', () => {
    const groups = [
      group('a', { oldest: 40, members: 0 }), group('b', { oldest: 10 }), group('c', { members: 0, lag: 0 }),
      group('d', { members: 0, config: { paused: true }, oldest: 20 }),
    ]
    const rows = topicRows([topic()], groups, new Movements(), 50)
    expect(rows[0]).toMatchObject({ age: 40, deserted: 1 })
    expect([troubled(rows, 'deserted').length, troubled(rows, 'dead').length, troubled(rows, undefined)]).toEqual([1, 0, rows])
    expect(troubled(groupRows(groups, new Movements(), 50), 'deserted').map((row) => row.name)).toEqual(['a'])
    expect(troubled(groupRows(groups, new Movements(), 50), 'paused').map((row) => row.name)).toEqual(['d'])
  })
  it('of groups say how long the oldest waits', () => {
    const rows = groupRows([group('a', { oldest: 100 }), group('b'), group('c', { oldest: 200, config: { paused: true } })], new Movements(), 160)
    expect(rows.map((row) => [row.id, row.age, row.paused])).toEqual([[groupId('orders', 'a'), 60, false], [groupId('orders', 'b'), undefined, false], [groupId('orders', 'c'), 0, true]])
  })
  it('are found by a part of a name', () => {
    const rows = [{ name: 'Orders' }, { name: 'audit' }]
    expect(named(rows, ' ORD ', (row) => [row.name])).toEqual([{ name: 'Orders' }])
    expect(named(rows, ' ', (row) => [row.name])).toBe(rows)
  })
})

describe('where a group goes', () => {
  it.each([
    [100, 10, 20, { kind: 'catching', seconds: 10 }], [100, 20, 10, { kind: 'behind', by: 10 }], [100, 0, 0, { kind: 'still' }],
    [100, 100, 101, { kind: 'level' }], [0, 1, 1, undefined], [5, undefined, 1, undefined], [5, 1, undefined, undefined],
  ])('with %s behind, %s in and %s out', (lag, into, out, is) => { expect(pace(lag, into, out)).toEqual(is) })
})

describe('the hours of a day', () => {
  it('are there although nothing happened in them', () => {
    const hour = (at: number, published: number) => ({ at, published, delivered: 0, consumed: 0, retried: 0, expired: 0, deleted: 0, cleaned: 0 })
    expect(hourly([hour(0, 9), hour(7_200, 5)], 10_900, 3)).toEqual([0, 5, 0])
  })
})

describe('patterns', () => {
  it.each([['orders.>', true], ['*.eu', true], ['>', true], ['orders', false], ['a*', false], ['>.a', false], ['', false]])('%s: %s', (name, is) => {
    expect(isPattern(name)).toBe(is)
  })
})

describe('all topics', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  const counts = (published: number, memory = 0): NowView => ({
    all: published, consumed: 0, delayed: 0, waiting: 0, dead: 0, bytes: 0, oldest: null, oldestOf: null, deserted: 0,
    connections: { producers: 0, consumers: 0, v2: 0 }, commit: null, disk: null, topics: [],
    figures: { published, delivered: 0, acked: 0, nacked: 0, retried: 0, expired: 0, dead: 0, duplicates: 0, inFlight: 0, memory, oldestUnacked: memory },
  })
  it('are the same while nothing has happened', () => {
    expect(mark(counts(1, 5))).toBe(mark(counts(1, 6)))
    expect(mark(counts(1))).not.toBe(mark(counts(2)))
  })
  it('are read page by page, and to an end', async () => {
    const pages = [{ rows: [1], cursor: 'b' }, { rows: [2], cursor: null }]
    expect(await everything(() => Promise.resolve(pages.shift()!))).toEqual({ rows: [1, 2], more: false })
    expect(await everything(() => Promise.resolve({ rows: [0], cursor: 'on' }))).toEqual({ rows: Array(10).fill(0), more: true })
  })
  const place = (url: string): URL => new URL(url, 'http://broker/')
  const quiet = (): NowView => counts(0)
  const many = (count: number): TopicView[] => Array.from({ length: count }, (_, at) => topic({ name: `t${at}` }))
  /** A broker of these topics, whose streams tell of those that they are to. */
  function told (all: () => TopicView[]) {
    const streams: { stream: Stream, url: URL }[] = []
    const asked = broker(({ url, signal }) => {
      const where = place(url)
      if (where.pathname.includes('/events/')) {
        const stream = new Stream()
        streams.push({ stream, url: where })
        return stream.until(signal)
      }
      if (where.pathname.endsWith('/groups')) return json({ groups: [group('a')], cursor: null })
      return json({ topics: all(), cursor: null })
    })
    const reads = (what: string): number => asked.filter((one) => place(one.url).pathname.endsWith(what)).length
    return {
      streams,
      reads: (): [topics: number, groups: number] => [reads('/topics'), reads('/groups')],
      async tell (now: NowView, wait = 2_000) {
        await vi.advanceTimersByTimeAsync(wait)
        for (const { stream, url } of streams) {
          try {
            const names = url.searchParams.getAll('topic')
            const topics = all().filter((one) => names.includes(one.name)).map((one) => ({ ...one.counts, waiting: 42, topic: one.name }))
            stream.write(`event: counts\ndata: ${JSON.stringify({ ...now, topics })}\n\n`)
          } catch { /* it was left */ }
        }
        await settle()
      },
    }
  }

  it('are read again when something has happened, or after a while', async () => {
    const it = told(() => [topic()])
    const { made, scope } = within(useTopics)
    await settle()
    const tell = async (now: NowView): Promise<number> => {
      await it.tell(now)
      return it.reads()[1]
    }
    expect([it.reads(), made.known.data.value?.topics.length, made.known.data.value?.more]).toEqual([[1, 1], 1, false])
    expect(await tell(counts(1))).toBe(2)
    expect(await tell(counts(1, 7))).toBe(2)
    expect(await tell(counts(2))).toBe(3)
    for (let calm = 1; calm < 5; calm++) expect(await tell(counts(2))).toBe(3)
    expect(await tell(counts(2))).toBe(4)
    scope.stop()
  })
  it('are told by the stream where there are few, and read now and then', async () => {
    let all = [topic()]
    const it = told(() => all)
    const { made, scope } = within(useTopics)
    await settle()
    expect(it.streams.map((one) => one.url.searchParams.getAll('topic'))).toEqual([['orders']])
    expect(made.counted.value[0]!.counts.waiting).toBe(3)
    for (let round = 1; round <= 4; round++) await it.tell({ ...counts(round), all: 10 })
    expect([it.reads(), made.counted.value[0]!.counts.waiting]).toEqual([[1, 5], 42])
    await it.tell({ ...counts(5), all: 10 })
    expect(it.reads()).toEqual([2, 6])
    all = [topic(), topic({ name: 'new' })]
    await it.tell({ ...counts(6), all: 20 })
    expect([it.reads(), made.counted.value.length]).toEqual([[3, 7], 2])
    scope.stop()
  })
  it('are read less often where there are many, but for those in sight', async () => {
    const all = many(4_000)
    const it = told(() => all)
    const { made, scope } = within(() => useTopics(() => all.slice(7, 500).map((one) => one.name)))
    await settle()
    const names = it.streams[0]!.url.searchParams.getAll('topic')
    expect([names.length, names[0], names[99]]).toEqual([100, 't7', 't106'])
    for (let round = 1; round <= 4; round++) await it.tell(counts(round))
    expect([it.reads(), made.counted.value[7]!.counts.waiting, made.counted.value[0]!.counts.waiting]).toEqual([[1, 1], 42, 3])
    await it.tell(counts(5))
    expect(it.reads()).toEqual([2, 2])
    scope.stop()
  })
  it('have no rates over a time in which nobody looked', async () => {
    const all = [topic()]
    const it = told(() => all)
    const { made, scope } = within(useTopics)
    await settle()
    for (let round = 1; round <= 3; round++) await it.tell(counts(round))
    expect(made.came.now('orders')).toBe(0)
    put('hidden')
    await vi.advanceTimersByTimeAsync(60_000)
    put('visible')
    await settle()
    await it.tell(counts(4))
    expect([it.reads()[1], made.came.now('orders')]).toEqual([5, undefined])
    scope.stop()
  })
  it('are not read while nobody wants them', async () => {
    const it = told(() => [topic()])
    const { scope } = within(() => useTopics(() => [], () => false))
    await settle()
    for (let round = 1; round <= 6; round++) await it.tell(counts(round))
    expect(it.reads()).toEqual([1, 1])
    scope.stop()
  })
  it('in sight that change are told by another stream, and the old one ends when that has begun', async () => {
    const names = ref<string[]>()
    const it = told(() => many(5))
    const on: string[][] = []
    const { made, scope } = within(() => watchSome(() => names.value, (_, asked) => on.push([...asked])))
    await settle()
    expect(it.streams.length).toBe(0)
    names.value = ['t1', 't2']
    await settle()
    expect([it.streams.length, made.live.value]).toEqual([1, true])
    names.value = ['t2']
    await it.tell(quiet(), 15_000)
    expect([it.streams.length, on]).toEqual([1, [['t1', 't2']]])
    names.value = ['t2', 't3']
    await vi.advanceTimersByTimeAsync(400)
    expect([it.streams.length, made.live.value]).toEqual([2, true])
    names.value = ['t2', 't4']
    await vi.advanceTimersByTimeAsync(8_000)
    expect(it.streams.length).toBe(2)
    on.length = 0
    await it.tell(quiet(), 0)
    expect(on).toEqual([['t1', 't2'], ['t2', 't3']])
    await it.tell(quiet(), 0)
    expect(on.slice(2)).toEqual([['t2', 't3']])
    names.value = ['else']
    await vi.advanceTimersByTimeAsync(400)
    expect([it.streams.length, it.streams[2]!.url.searchParams.getAll('topic')]).toEqual([3, ['else']])
    scope.stop()
  })
  it('are asked for after a rest that grows with what there is and how long it took', () => {
    expect([rest(5, 40), rest(50, 4_000), rest(3_000, 0), rest(90_000, 1e6)]).toEqual([2_000, 10_000, 30_000, 60_000])
  })
  it('are named as far as an address holds', () => {
    expect(nameable(Array(200).fill('x')).length).toBe(100)
    expect(nameable(Array(200).fill('表'.repeat(255))).length).toBe(3)
  })
  it('are told of by an event, if it has the same and as much as the broker', () => {
    const now = { ...counts(0), all: 10, topics: [{ ...topic().counts, topic: 'orders' }] }
    expect(tellsAll(now, [topic()])).toBe(true)
    expect([tellsAll({ ...now, all: 11 }, [topic()]), tellsAll(now, [topic(), topic({ name: 'b' })]), tellsAll(now, [topic({ name: 'b' })])]).toEqual([false, false, false])
  })
})
