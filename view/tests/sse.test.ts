import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Refused } from '@/api/errors'
import { gone, look } from '@/api/link'
import { EventCutter, watch, type ServerEvent } from '@/api/sse'
import { watchCounts } from '@/api'
import { broker, json, nobody, settle, Stream, within } from './support'

const cut = (...pieces: string[]): ServerEvent[] => {
  const cutter = new EventCutter()
  return pieces.flatMap((piece) => cutter.take(piece))
}

describe('cutting', () => {
  const text = ': hello\n\nevent: counts\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:x\r\n\r\nretry: 5\n\ndata\n\n'
  const events = [
    { event: 'counts', data: '{"a":\n1}', id: '7' },
    { event: 'message', data: 'x', id: '7' },
    { event: 'message', data: '', id: '7' },
  ]
  it('reads events whole', () => {
    expect(cut(text)).toEqual(events)
  })
  it('reads them in any pieces', () => {
    expect(cut(...text)).toEqual(events)
    for (let place = 0; place <= text.length; place++) expect(cut(text.slice(0, place), text.slice(place))).toEqual(events)
  })
  it('tells nothing of what is not whole', () => {
    expect(cut('data: 1\n')).toEqual([])
  })
})

describe('watching', () => {
  let told: string[]
  let end: AbortController
  const begin = (): Promise<void> => watch('api/v1/events/counts', {
    on: (event) => told.push(event.data),
    live: (is) => told.push(is ? 'live' : 'lost'),
    refused: (error: Refused) => told.push(error.code),
    signal: end.signal,
  })

  beforeEach(() => {
    vi.useFakeTimers()
    told = []
    end = new AbortController()
  })
  afterEach(async () => {
    end.abort()
    broker(() => json({}))
    await look()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('tells events as they come, and ends when it should', async () => {
    const stream = new Stream()
    broker(() => stream.response)
    const over = begin()
    await settle()
    stream.write('data: 1\n\ndata: 2\n')
    await settle()
    expect(told).toEqual(['live', '1'])
    stream.write('\n')
    await settle()
    expect(told).toEqual(['live', '1', '2'])
    end.abort()
    stream.breakOff()
    await over
    expect(told).toEqual(['live', '1', '2'])
    expect(gone.value).toBe(false)
  })

  it('begins anew when the stream ends', async () => {
    const streams = [new Stream(), new Stream()]
    let next = 0
    const asked = broker(() => streams[next++]!.response)
    void begin()
    await settle()
    streams[0]!.end()
    await vi.advanceTimersByTimeAsync(1_000)
    streams[1]!.write('data: again\n\n')
    await settle()
    expect(told).toEqual(['live', 'lost', 'live', 'again'])
    expect(asked).toHaveLength(2)
  })

  it('waits for a broker that went away, and goes on when it is back', async () => {
    const first = new Stream()
    broker(() => first.response)
    void begin()
    await settle()
    const asked = broker(nobody)
    first.breakOff()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(gone.value).toBe(true)
    expect(asked.every((one) => one.url === 'healthz')).toBe(true) // only one thing knocks
    const second = new Stream()
    broker((one) => (one.url === 'healthz' ? json({}) : second.response))
    await vi.advanceTimersByTimeAsync(15_000)
    expect(gone.value).toBe(false)
    second.write('data: back\n\n')
    await settle()
    expect(told).toEqual(['live', 'lost', 'live', 'back'])
  })

  it('takes silence for an end', async () => {
    const first = new Stream()
    broker((one) => first.until(one.signal))
    void begin()
    await settle()
    await vi.advanceTimersByTimeAsync(44_000)
    first.write(': still here\n\n')
    await vi.advanceTimersByTimeAsync(44_000)
    expect(told).toEqual(['live'])
    broker((one) => (one.url === 'healthz' ? json({}) : nobody(one)))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(told.slice(0, 2)).toEqual(['live', 'lost'])
  })

  it('takes a refusal for good, unless it is of the moment', async () => {
    let answers = [json({ error: { code: 'busy', message: '' } }, 503), json({ error: { code: 'notFound', message: '' } }, 404)]
    broker(() => answers.shift()!)
    await Promise.all([begin(), vi.advanceTimersByTimeAsync(5_000)])
    expect(told).toEqual(['lost', 'lost', 'notFound'])
    expect(answers = []).toEqual([])
  })

  it('ends with the page', async () => {
    const stream = new Stream()
    const asked = broker(() => stream.response)
    const counts: number[] = []
    const { made, scope } = within(() => watchCounts((now) => counts.push(now.all), { every: 2, topic: ['a/b'] }))
    await settle()
    stream.write('event: counts\ndata: {"all":3}\n\n')
    await settle()
    expect(asked[0]!.url).toBe('api/v1/events/counts?every=2&topic=a%2Fb')
    expect([counts, made.live.value]).toEqual([[3], true])
    scope.stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(1)
  })
})
