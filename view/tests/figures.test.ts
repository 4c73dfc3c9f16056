import { describe, expect, it } from 'vitest'
import { wait } from '@/api/backoff'
import { between, buckets, quantile, readMetrics, total } from '@/api/metrics'
import { Rates } from '@/api/rates'
import { laidOut, tokens } from '@/components/json'
import { commitTimes, deserted, measured, oldest, wholeWeek } from '@/pages/overview'
import type { GroupView } from '@/api'

describe('waits', () => {
  it('grow, are spread, and end', () => {
    expect([0, 1, 2, 9].map((attempt) => wait(attempt, () => 0))).toEqual([250, 500, 1_000, 5_000])
    expect([0, 1, 2, 9].map((attempt) => wait(attempt, () => 1))).toEqual([500, 1_000, 2_000, 10_000])
  })
})

describe('rates', () => {
  it('are what a total grew by, per second', () => {
    const rates = new Rates(['in', 'out'])
    expect(rates.take({ at: 10, totals: { in: 100, out: 7 } })).toBeUndefined()
    expect(rates.take({ at: 12, totals: { in: 140, out: 7 } })).toEqual({ in: 20, out: 0 })
  })
  it('are zero where a broker began anew', () => {
    const rates = new Rates(['in'])
    rates.take({ at: 10, totals: { in: 100 } })
    expect(rates.take({ at: 11, totals: { in: 5 } })).toEqual({ in: 0 })
  })
  it('are kept for so long, and thinned by their mean', () => {
    const rates = new Rates(['in'], 4)
    for (let at = 0; at <= 6; at++) rates.take({ at, totals: { in: at * at } })
    expect(rates.series('in')).toEqual([5, 7, 9, 11])
    expect(rates.series('in', 2)).toEqual([6, 10])
  })
})

const TEXT = `# HELP kapokmq_connections x
kapokmq_connections{kind="producer"} 2.0
kapokmq_connections{kind="v2"} 3.0
kapokmq_commit_seconds_bucket{le="0.005"} 90.0
kapokmq_commit_seconds_bucket{le="0.01"} 99.0
kapokmq_commit_seconds_bucket{le="+Inf"} 100.0
kapokmq_commit_seconds_count 100.0
`

describe('metrics', () => {
  it('are read', () => {
    const all = readMetrics(TEXT)
    expect(all).toHaveLength(6)
    expect(total(all, 'kapokmq_connections')).toBe(5)
    expect(measured(TEXT).connections).toEqual({ producers: 2, consumers: 0, v2: 3 })
  })
  it('tell below what a share of the observations lies', () => {
    const observed = buckets(readMetrics(TEXT), 'kapokmq_commit_seconds')
    expect([0.5, 0.99, 1].map((share) => quantile(share, observed))).toEqual([0.005, 0.01, Infinity])
    expect(quantile(0.5, between(observed, observed))).toBeUndefined()
    expect(commitTimes(observed, observed)).toEqual({ half: 0.005, most: 0.01 })
    expect(commitTimes([], [])).toBeUndefined()
  })
})

describe('the overview', () => {
  it('fills the hours in which nothing happened', () => {
    const now = 1_795_222_300
    const at = Math.floor(now / 3_600) * 3_600 - 3_600
    const week = wholeWeek([{ at, published: 5, delivered: 4, consumed: 3, retried: 2, expired: 0, deleted: 0, cleaned: 0 }], now)
    expect(week).toHaveLength(168)
    expect(week.at(-2)).toMatchObject({ at, published: 5 })
    expect(week.reduce((sum, one) => sum + one.published, 0)).toBe(5)
  })
  it('finds who waits, and for whom nobody is there', () => {
    const group = (changes: Partial<GroupView>): GroupView => ({
      topic: 't', name: 'g', mode: 'queue', config: {}, effective: {}, mark: 0, next: 0, lag: 0, inFlight: 0, dead: 0, members: 0, oldest: null, ...changes,
    })
    const all = [group({ oldest: 9 }), group({ oldest: 5, lag: 1, members: 1 }), group({ lag: 2 }), group({ lag: 3, config: { paused: true } })]
    expect(oldest(all)?.oldest).toBe(5)
    expect(deserted(all)).toEqual([all[2]])
    expect(oldest([])).toBeUndefined()
  })
})

describe('JSON for the eye', () => {
  it('is laid out from the text, to the last digit', () => {
    const text = '{"id":12345678901234567890,"a":[1,{"b":"x: [1,2]"}],"e":{},"n":[],"id":1}'
    expect(laidOut(text)).toBe(`{
  "id": 12345678901234567890,
  "a": [
    1,
    {
      "b": "x: [1,2]"
    }
  ],
  "e": {},
  "n": [],
  "id": 1
}`)
  })
  it('is nothing else', () => {
    expect(laidOut('hello')).toBeUndefined()
    expect(laidOut('"a \\"b\\" c"')).toBe('"a \\"b\\" c"')
  })
  it('has colours, and loses nothing', () => {
    const text = laidOut('{"a":"<script>alert(1)</script>","n":-1.5e3,"t":[true,null]}')!
    const found = tokens(text)
    expect(found.map((one) => one.text).join('')).toBe(text)
    expect(found.filter((one) => one.kind !== 'plain').map((one) => one.kind))
      .toEqual(['name', 'text', 'name', 'number', 'name', 'word', 'word'])
    for (let end = 0; end < text.length; end++) expect(tokens(text.slice(0, end)).map((one) => one.text).join('')).toBe(text.slice(0, end))
  })
})
