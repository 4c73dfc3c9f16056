import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { node, useClock, useLoad, watchCounts } from '@/api'
import { gone, look } from '@/api/link'
import { until } from '@/api/sight'
import { broker, json, nobody, put, settle, Stream, within, type Asked } from './support'

const COUNTS = { all: 0, consumed: 0, delayed: 0, waiting: 0, figures: { published: 0 } }
const event = (all: number): string => `data: ${JSON.stringify({ ...COUNTS, all })}\n\n`

let scope = effectScope()
beforeEach(() => {
  vi.useFakeTimers()
  scope = effectScope()
})
afterEach(async () => {
  scope.stop()
  put('visible')
  broker(() => json({}))
  await look()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A broker of which each stream is kept, and told to be over. */
function streaming (): { asked: Asked[], streams: Stream[], over: () => number } {
  const streams: Stream[] = []
  let over = 0
  const asked = broker((one) => {
    if (!one.url.includes('events')) return json({ rights: [] })
    const stream = new Stream()
    one.signal!.addEventListener('abort', () => over++)
    streams.push(stream)
    return stream.until(one.signal)
  })
  return { asked, streams, over: () => over }
}

describe('a tab behind others', () => {
  it('holds no stream, and takes it up when it is seen', async () => {
    const { streams, over } = streaming()
    const counts: number[] = []
    const { live } = scope.run(() => watchCounts((now) => counts.push(now.all)))!
    await settle()
    streams[0]!.write(event(1))
    await settle()
    put('hidden')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([streams.length, over(), live.value, gone.value]).toEqual([1, 1, false, false])
    put('visible')
    await settle()
    streams[1]!.write(event(2))
    await settle()
    expect([counts, live.value]).toEqual([[1, 2], true])
  })
  it('opens none where it was never seen', async () => {
    put('hidden')
    const { streams } = streaming()
    scope.run(() => watchCounts(() => {}))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(streams).toHaveLength(0)
    put('visible')
    await settle()
    expect(streams).toHaveLength(1)
  })
  it('leaves what it waits for when its page is left', async () => {
    put('hidden')
    const { streams } = streaming()
    scope.run(() => watchCounts(() => {}))
    scope.stop()
    put('visible')
    await settle()
    expect(streams).toHaveLength(0)
  })
  it('reads again once it is seen, though nothing has happened', async () => {
    const { asked, streams } = streaming()
    scope.run(() => useClock(useLoad((signal) => node.key({ signal }))))
    const read = (): number => asked.filter((one) => one.url.endsWith('key')).length
    await settle()
    streams[0]!.write(event(1))
    await vi.advanceTimersByTimeAsync(2_000)
    const before = read()
    put('hidden')
    put('visible')
    await settle()
    streams[1]!.write(event(1))
    await settle()
    expect(read()).toBe(before + 1)
  })
  it('does not look for a broker that is away, until it is seen', async () => {
    const asked = broker(nobody)
    await node.show().catch(() => null)
    put('hidden')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(1)
    put('visible')
    await settle()
    expect(asked).toHaveLength(2)
  })
})

describe('those who watch counts', () => {
  it('share a stream, which ends with the last, and learn what it told', async () => {
    const { streams, over } = streaming()
    const [one, two]: [number[], number[]] = [[], []]
    const first = within(() => watchCounts((now) => one.push(now.all), { every: 3, topic: ['a'] }))
    await settle()
    streams[0]!.write(event(1))
    await settle()
    const second = within(() => watchCounts((now) => two.push(now.all), { every: 2 }))
    await settle()
    expect([streams.length, one, two, second.made.live.value]).toEqual([1, [1], [1], true])
    first.scope.stop()
    streams[0]!.write(event(2))
    await settle()
    expect([over(), one, two]).toEqual([0, [1], [1, 2]])
    put('hidden')
    put('visible') // the first, who began it, is not needed for this
    await settle()
    expect(streams).toHaveLength(2)
    second.scope.stop()
    await settle()
    expect(over()).toBe(2)
  })
  it('have their own where they want others, or sooner', async () => {
    const { streams } = streaming()
    for (const how of [{ every: 3, topic: ['a'] }, { every: 3, topic: ['b'] }, { every: 1 }]) scope.run(() => watchCounts(() => {}, how))
    await settle()
    expect(streams).toHaveLength(3)
  })
  it('begin anew where a stream was refused, whoever watches that still', async () => {
    broker(() => json({ error: { code: 'forbidden', message: '' } }, 403))
    const { refused } = scope.run(() => watchCounts(() => {}))!
    await settle()
    expect(refused.value?.status).toBe(403)
    const { streams } = streaming()
    const later = scope.run(() => watchCounts(() => {}))!
    await settle()
    expect([streams.length, later.live.value, later.refused.value]).toEqual([1, true, undefined])
  })
})

describe('waiting', () => {
  it('leaves nothing at the signal that would have ended it', async () => {
    const end = new AbortController()
    const [add, remove] = [vi.spyOn(end.signal, 'addEventListener'), vi.spyOn(end.signal, 'removeEventListener')]
    put('hidden')
    const waits = until(() => document.visibilityState === 'visible' && !gone.value, end.signal)
    const asked = until(() => gone.value, end.signal)
    end.abort()
    await Promise.all([waits, asked])
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([2, 2])
  })
})
