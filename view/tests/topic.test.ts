import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import type { CountsView, GroupView, NowView, TopicView } from '@/api'
import { useTopic } from '@/pages/topics/topic'
import { broker, json, put, settle, Stream, within } from './support'

const NOON = 1_795_262_400 // an hour's beginning
const COUNTS: CountsView = { all: 10, consumed: 5, delayed: 2, waiting: 3, inFlight: 1, dead: 0, bytes: 99 }
const GROUP: GroupView = {
  topic: 'orders', name: 'a', mode: 'queue', config: {}, effective: {}, mark: 0, next: 10, lag: 4, inFlight: 1, dead: 0, members: 2, oldest: null,
}

beforeEach(() => { vi.useFakeTimers({ now: NOON * 1_000 }) })
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A broker of one topic, or two. What it is asked for is counted by the last part of the address. */
function node (names = ['orders']) {
  const it = { names, retention: 'queue' as 'queue' | 'none', waiting: 3, published: 0 }
  const streams: { stream: Stream, of: string[] }[] = []
  const now = (of: readonly string[], memory = 0): NowView => ({
    ...COUNTS, oldest: null, oldestOf: null, deserted: 0, connections: { producers: 0, consumers: 0, v2: 0 }, commit: null, disk: null,
    figures: { published: it.published, delivered: 0, acked: 0, nacked: 0, retried: 0, expired: 0, dead: 0, duplicates: 0, inFlight: 0, memory, oldestUnacked: memory },
    topics: it.names.filter((name) => of.includes(name)).map((topic) => ({ ...COUNTS, waiting: it.waiting, topic })),
  })
  const asked = broker(({ url, signal }) => {
    const { pathname, searchParams } = new URL(url, 'http://broker/')
    const of = searchParams.getAll('topic')
    if (pathname.includes('/events/')) {
      const stream = new Stream()
      streams.push({ stream, of })
      return stream.until(signal)
    }
    if (pathname.endsWith('/counts')) return json(now(of))
    if (pathname.endsWith('/groups')) return json({ groups: [GROUP], cursor: null })
    if (pathname.endsWith('/hours')) return json({ hours: [{ at: NOON, published: it.published, delivered: 0, consumed: 0, retried: 0, expired: 0, deleted: 0, cleaned: 0 }] })
    const name = pathname.split('/').at(-1)!
    if (!it.names.includes(name)) return json({ code: 'notFound', message: 'there is no such topic' }, 404)
    const view: TopicView = { name, counts: { ...COUNTS, waiting: it.waiting }, policy: {}, effective: { retention: it.retention }, groups: ['a'] }
    return json(view)
  })
  const reads = (): Record<string, number> => {
    const all: Record<string, number> = {}
    for (const one of asked) {
      const path = new URL(one.url, 'http://broker/').pathname
      if (path.includes('/events/')) continue
      const what = path.split('/').at(-1)!
      all[what] = (all[what] ?? 0) + 1
    }
    return all
  }
  async function tell (memory = 0, wait = 2_000): Promise<void> {
    await vi.advanceTimersByTimeAsync(wait)
    for (const { stream, of } of streams) {
      try {
        stream.write(`event: counts\ndata: ${JSON.stringify(now(of, memory))}\n\n`)
      } catch { /* it was left */ }
    }
    await settle()
  }
  return { it, reads, tell }
}

it('of which nothing changes is asked for now and then', async () => {
  const { it, reads, tell } = node()
  const { made, scope } = within(() => useTopic(() => 'orders'))
  await settle()
  const first = { counts: 1, orders: 1, groups: 1, hours: 1 }
  expect([reads(), made.known.data.value?.rows.length, made.missing.value]).toEqual([first, 1, false])
  await tell()
  expect(reads()['groups']).toBe(2) // what was told first is news
  for (let calm = 0; calm < 4; calm++) await tell(calm)
  expect(reads()['groups']).toBe(2)
  it.waiting = 4
  await tell()
  expect([reads()['groups'], made.counts.value?.waiting]).toEqual([3, 4])
  scope.stop()
})

it('is asked for what changes with each round, and for the rest seldom', async () => {
  const { it, reads, tell } = node()
  const { made, scope } = within(() => useTopic(() => 'orders'))
  await settle()
  for (let round = 1; round <= 9; round++) {
    it.waiting++
    it.published += 20
    await tell()
  }
  const { orders, groups, hours, counts } = reads()
  expect([groups, counts]).toEqual([10, 1])
  expect(orders).toBeLessThan(4) // its policy
  expect(hours).toBeGreaterThan(2)
  expect(hours).toBeLessThan(7)
  expect(made.known.data.value!.rates.find((one) => one.name === 'published')!.now).toBeCloseTo(10, 1)
  expect(made.known.data.value!.day.at(-1)).toBe(it.published - 20 * (9 % 3))
  scope.stop()
})

it('has no rate over a time in which nobody looked, and measures anew at once', async () => {
  const { it, tell } = node()
  const { made, scope } = within(() => useTopic(() => 'orders'))
  const rate = (): number | undefined => made.known.data.value!.rates.find((one) => one.name === 'published')!.now
  await settle()
  const round = async (more: number): Promise<number | undefined> => {
    it.waiting++
    it.published += more
    await tell()
    return rate()
  }
  for (let n = 0; n < 5; n++) await round(20)
  put('hidden')
  await vi.advanceTimersByTimeAsync(60_000)
  it.published += 60_000
  put('visible')
  await settle()
  expect([await round(20), await round(20)]).toEqual([undefined, expect.closeTo(10, 0)])
  scope.stop()
})

it('that keeps no messages goes by what the node does', async () => {
  const { it, reads, tell } = node()
  it.retention = 'none'
  const { scope } = within(() => useTopic(() => 'orders'))
  await settle()
  await tell()
  const before = reads()['groups']!
  it.published++
  await tell()
  expect(reads()['groups']).toBe(before + 1)
  scope.stop()
})

it('that is not there is not asked for, until it is', async () => {
  const { it, reads, tell } = node([])
  const { made, scope } = within(() => useTopic(() => 'orders'))
  await settle()
  expect([made.missing.value, reads()]).toEqual([true, { counts: 1 }])
  await tell()
  expect(reads()).toEqual({ counts: 1 })
  it.names = ['orders']
  await tell()
  expect([made.missing.value, reads()['orders']]).toEqual([false, 1])
  scope.stop()
})

it('that goes away is said to be missing, with no 404', async () => {
  const { it, reads, tell } = node()
  const { made, scope } = within(() => useTopic(() => 'orders'))
  await settle()
  await tell()
  it.names = []
  await tell()
  expect([made.missing.value, reads()['orders'], reads()['counts']]).toEqual([true, 1, 2])
  it.names = ['orders'] // another one of that name
  await tell()
  expect([made.missing.value, reads()['orders']]).toEqual([false, 2])
  scope.stop()
})

it('has nothing of the one that was shown before', async () => {
  const { it, tell } = node(['orders', 'other'])
  const name = ref('orders')
  const { made, scope } = within(() => useTopic(() => name.value))
  await settle()
  it.waiting = 77
  for (let round = 0; round < 4; round++) await tell()
  expect([made.counts.value?.waiting, made.known.data.value!.rates[0]!.series.length]).toEqual([77, 1])
  it.waiting = 3
  name.value = 'other'
  expect(made.counts.value).toBeUndefined()
  await settle()
  expect([made.known.data.value?.shown.name, made.counts.value?.waiting]).toEqual(['other', 3])
  expect(made.known.data.value!.rates[0]!.series).toEqual([])
  await tell(0, 0) // of the first one still
  expect([made.counts.value?.waiting, made.missing.value]).toEqual([3, false])
  scope.stop()
})
