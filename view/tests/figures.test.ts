import { describe, expect, it } from 'vitest'
import { wait } from '@/api/backoff'
import { Rates } from '@/api/rates'
import { blocks, laidOut, lettered, tokens } from '@/components/json'
import { duration } from '@/format'
import { locale } from '@/i18n'
import { byDay, LastHour, nearlyFull, wholeWeek } from '@/pages/overview/overview'

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

describe('a rate of now', () => {
  it('is of all readings together, however unevenly they come', () => {
    const rates = new Rates(['in'])
    expect(rates.lately('in', 3)).toBeUndefined()
    for (const [at, total] of [[0, 0], [1.9, 100], [2, 200], [4, 400]] as const) rates.take({ at, totals: { in: total } })
    expect(rates.lately('in', 3)).toBeCloseTo(100)
    expect(rates.lately('in', 1)).toBeCloseTo(100)
    expect(rates.lately('in', 2)).toBeCloseTo(300 / 2.1)
  })
  it('is of nothing that happened while nobody looked', () => {
    const rates = new Rates(['in'])
    for (const [at, total] of [[0, 0], [1, 10]] as const) rates.take({ at, totals: { in: total } })
    rates.rest()
    expect(rates.lately('in', 4)).toBeUndefined()
    for (const [at, total] of [[900, 9_000], [901, 9_003]] as const) rates.take({ at, totals: { in: total } })
    expect(rates.lately('in', 4)).toBeCloseTo(3)
  })
  it('forgets what is older than it keeps', () => {
    const rates = new Rates(['in'], 2)
    for (const [at, total] of [[0, 0], [1, 1_000], [2, 1_010], [5, 1_040]] as const) rates.take({ at, totals: { in: total } })
    expect(rates.lately('in', 9)).toBeCloseTo(10)
  })
})

describe('a span of time', () => {
  const spans = [0, 0.012, 1.5, 112, 60, 3_600, 93_780, 277_200]
  it('is told in the two units that matter, in the reader’s language', () => {
    expect(spans.map(duration)).toEqual(['0 s', '12 ms', '1.5 s', '1m 52s', '1m', '1h', '1d 2h', '3d 5h'])
    locale.value = 'zh'
    expect(spans.map(duration)).toEqual(['0 秒', '12 毫秒', '1.5 秒', '1 分 52 秒', '1 分', '1 小时', '1 天 2 小时', '3 天 5 小时'])
    locale.value = 'en'
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
  it('sums hours up by days of the calendar', () => {
    const days = byDay(wholeWeek([], 1_795_222_300).map((point) => ({ ...point, published: 1 })))
    expect(days.length).toBeGreaterThan(6)
    expect(days.reduce((sum, day) => sum + day.published, 0)).toBe(168)
  })
  it('finds a disk nearly full by what is free and by its share', () => {
    const gib = 1024 ** 3
    expect(nearlyFull({ free: 20 * gib, total: 100 * gib })).toBe(false)
    expect(nearlyFull({ free: 9 * gib, total: 100 * gib })).toBe(true)
    expect(nearlyFull({ free: 0.9 * gib, total: 2 * gib })).toBe(true)
  })
})

describe('the last hour', () => {
  const at = 1_795_222_260 // a whole minute
  const told = (minute: number, published: number) => ({ at: minute, published, delivered: 0, acked: 0, nacked: 0, retried: 0, dead: 0 })
  const totals = (published: number) => ({ published, delivered: 0, acked: 0, dead: 0 })
  it('is what the broker knew and what the events add', () => {
    const hour = new LastHour()
    hour.begin([told(at - 120, 60), told(at - 60, 120), told(at, 5)])
    expect(hour.count('published', at + 10)).toBe(185)
    expect(hour.series('published', at + 10).slice(-3)).toEqual([0, 1, 2])
    hour.take(totals(1_000), at + 11)
    hour.take(totals(1_055), at + 12)
    hour.take(totals(1_061), at + 60)
    expect(hour.series('published', at + 61).slice(-3)).toEqual([1, 2, 1])
    expect(hour.count('published', at + 61)).toBe(246)
  })
  it('has nothing of what happened while nobody looked, until the broker tells of it', () => {
    const hour = new LastHour()
    hour.begin([told(at, 5)])
    hour.take(totals(1_000), at + 1)
    hour.rest()
    hour.take(totals(9_000), at + 600)
    hour.take(totals(9_002), at + 601)
    expect(hour.count('published', at + 601)).toBe(7)
  })
  it('forgets what is older, and takes a broker that began anew for one', () => {
    const hour = new LastHour()
    hour.begin([])
    hour.take(totals(500), at)
    hour.take(totals(501), at + 1)
    hour.take(totals(3), at + 2)
    expect(hour.count('published', at + 2)).toBe(1)
    hour.take(totals(10), at + 3_700)
    expect(hour.count('published', at + 3_700)).toBe(7)
    expect(hour.series('published', at + 3_700)).toHaveLength(60)
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
  it('has letters for their escapes, unless they are signs that nobody sees, or that mean something', () => {
    expect(lettered(String.raw`"\u4f60\u597d \ud83d\ude00 \u00e9 \u003cb>"`)).toBe('"你好 😀 é <b>"')
    for (const kept of [String.raw`"\u0000\u000a\u0022\u005c"`, String.raw`"\u202e\u200b\u00a0\ufeff"`, String.raw`"\ud83d"`, String.raw`"\\u4f60"`, '"plain"']) expect(lettered(kept)).toBe(kept)
    expect(laidOut(String.raw`{"\u540d":"\u4f60"}`)).toBe('{\n  "名": "你"\n}')
    for (const text of [String.raw`"\u4f60\ud83d\ude00\u202e\\u0041\n"`]) expect(JSON.parse(lettered(text))).toBe(JSON.parse(text))
  })
  it('is cut into stretches that are the whole together, at ends of lines where there are any', () => {
    for (const text of ['', 'ab', 'a\nbb\nccc\ndddd', 'x'.repeat(35), 'one two three four five six', '😀'.repeat(9)]) {
      const found = blocks(text, 7)
      expect(found.map((one) => one.text).join('')).toBe(text)
      expect(found.every((one) => one.text.length > 0 && one.text.length <= 7)).toBe(true)
    }
    expect(blocks('a\nbb\nccc\ndddd', 7).map((one) => one.text)).toEqual(['a\nbb\n', 'ccc\n', 'dddd'])
    expect(blocks('😀😀', 3).map((one) => one.text)).toEqual(['😀', '😀'])
    expect(blocks('x'.repeat(200), 1_000)[0]!.lines).toBe(3)
  })
})
