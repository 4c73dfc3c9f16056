import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  BLANK, clearing, deletion, fromQuery, line, picking, pieces, removing, removingFound, resending, search, sending, toQuery,
} from '@/pages/messages/messages'
import { ofField, toField } from '@/fields'
import { beginning, nextLimit } from '@/message/message'
import { ago, stamp, useNow } from '@/components/ago'
import { abreast, useWork } from '@/work'
import { locale } from '@/i18n'
import { broker, json, within } from './support'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})
const never = (): boolean => false

describe('the search form', () => {
  it('is what the address says, both ways', () => {
    const query = { topic: 'orders.eu', status: 'dead', text: 'a b', header: 'x:y', from: '1795222201', to: '1795222299.5' }
    const form = fromQuery({ ...query, message: 'c1', cursor: ['x'] })
    expect(form).toEqual({ ...BLANK, ...query, period: 'between' })
    expect(toQuery(form)).toEqual(query)
    expect(toQuery(fromQuery({ period: '3600' }))).toEqual({ period: '3600' })
  })
  it('leaves out what makes no sense', () => {
    expect(fromQuery({ status: 'lost', period: '7', from: 'now', topic: null, text: ['a', 'b'] })).toEqual(BLANK)
  })
  it('asks for nothing else where there is a code, and for no times that are not chosen', () => {
    expect(toQuery({ ...BLANK, code: ' c1 ', topic: 't' })).toEqual({ code: 'c1' })
    expect(toQuery({ ...BLANK, period: '900', from: '5' })).toEqual({ period: '900' })
  })
  it('becomes a question', () => {
    expect(search(BLANK, 1_000)).toEqual({})
    expect(search({ ...BLANK, topic: 't', status: 'waiting', text: 'x', key: 'k', header: 'h', period: '900' }, 1_000))
      .toEqual({ topic: 't', status: 'waiting', text: 'x', key: 'k', header: 'h', from: 100 })
    expect(search({ ...BLANK, period: '86400' }, 1_000)).toEqual({ from: 0 })
    expect(search({ ...BLANK, period: 'between', to: '7.5' }, 1_000)).toEqual({ to: 7.5 })
  })
  it('has times as fields take them', () => {
    for (const at of ['0', '1795222201']) expect(ofField(toField(at))).toBe(at)
    expect([toField(''), toField('x'), ofField(''), ofField('x')]).toEqual(['', '', '', ''])
  })
})

describe('a line', () => {
  it('has the beginning of the text, in one line', () => {
    expect(beginning('a\n\t b')).toBe('a b')
    expect(beginning('x'.repeat(1 << 20))).toBe('x'.repeat(200))
    expect(beginning('x'.repeat(199) + '😀'.repeat(9))).toHaveLength(200)
  })
  it('has what the table shows', () => {
    const message = { code: 'c', topic: 't', data: '<b>', status: 'waiting' as const, createTime: 1, headers: { a: 'b' } }
    expect(line(message)).toEqual({ code: 'c', topic: 't', status: 'waiting', createTime: 1, key: '', text: '<b>' })
  })
})

it('cuts lists to size', () => {
  expect(pieces([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(pieces([], 2)).toEqual([])
})

it('asks for fewer at a time where texts are long', () => {
  expect([nextLimit([]), nextLimit([], 77), nextLimit([100, 300]), nextLimit([1 << 20]), nextLimit([0])]).toEqual([50, 77, 500, 10, 500])
  expect(nextLimit([40_000])).toBe(100)
})

describe('times', () => {
  it.each([
    [1_000, 'now'], [996, '4 sec. ago'], [941, '59 sec. ago'], [940, '1 min. ago'], [1_000 - 7_300, '2 hr. ago'], [1_000 - 86_400, 'yesterday'],
    [1_090, 'in 1 min.'], [1_000.4, 'now'], [999.2, 'now'],
  ])('of %s are told from 1000: %s', (at, told) => {
    locale.value = 'en'
    expect(ago(at, 1_000)).toBe(told)
  })
  it('leave out the day where it is today', () => {
    const now = new Date(2026, 10, 21, 15, 0, 0).getTime() / 1_000
    expect(stamp(now - 60, now)).toMatch(/^2:59:00\sPM$/)
    expect(stamp(now - 86_400, now)).toContain('Nov 20')
  })
  it('go by one clock, which stops with its last reader', () => {
    vi.useFakeTimers()
    const [one, two] = [within(useNow), within(useNow)]
    const begun = one.made.value
    one.scope.stop()
    vi.advanceTimersByTime(5_000)
    expect(two.made.value - begun).toBe(5)
    two.scope.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('what a dialog asks about', () => {
  const bodies = (asked: ReturnType<typeof broker>): unknown[] => asked.filter((one) => one.method === 'POST').map((one) => one.body)
  it('is the search of when it was opened, whatever is looked for by then, and no message that came later', async () => {
    const asked = broker(({ method }) => json(method === 'GET' ? { messages: [{ code: 'a', data: '' }], cursor: null } : { count: 1 }))
    const form = { ...BLANK, topic: 'orders', text: 'x' }
    const search = { topic: 'orders', text: 'x' } as { topic?: string, text?: string }
    const deed = clearing(form, search, 77, 'Delete')
    Object.assign(form, BLANK)
    delete search.topic
    delete search.text
    await deed.steps(() => null)(() => null, never)
    expect(asked[0]!.url).toBe('api/v1/messages?topic=orders&text=x&to=77&limit=50')
    expect([deed.typed, toQuery(deed.form!), bodies(asked)]).toEqual(['orders', { topic: 'orders', text: 'x' }, [{ codes: ['a'] }]])
  })
  it('goes no further than the form does, and wants a word typed where there is no topic', async () => {
    const asked = broker(() => json({ messages: [], cursor: null }))
    const deed = clearing({ ...BLANK, text: 'x' }, { text: 'x', to: 5 }, 77, 'Delete')
    await deed.steps(() => null)(() => null, never)
    expect([deed.typed, deed.total, asked[0]!.url]).toEqual(['Delete', undefined, 'api/v1/messages?text=x&to=5&limit=50'])
  })
  it('is nothing that came later, though the form goes on into the future', async () => {
    const asked = broker(() => json({ messages: [], cursor: null }))
    await clearing({ ...BLANK, text: 'x' }, { text: 'x', to: 99 }, 77, 'Delete').steps(() => null)(() => null, never)
    expect(asked[0]!.url).toBe('api/v1/messages?text=x&to=77&limit=50')
  })
  it('is what was picked by then', async () => {
    const asked = broker(({ body }) => json({ count: (body as { codes: string[] }).codes.length }))
    const picked = new Set(['a', 'b'])
    const [many, again, one] = [deletion(picked), sending(picked), deletion(['a'])]
    picked.clear()
    const gone: string[] = []
    await many.steps((codes) => gone.push(...codes))(() => null, never)
    expect([bodies(asked), gone]).toEqual([[{ codes: ['a', 'b'] }], ['a', 'b']])
    expect([many.total, many.typed, one.typed, again.total, again.typed]).toEqual([2, '2', undefined, 2, undefined])
  })
})

describe('picking', () => {
  const rows = ['a', 'b', 'c', 'd']
  const picked = (before: string[], code: string, last?: string): string => [...picking(rows, new Set(before), code, last)].sort().join('')
  it('is of one row, or of all from the last one on', () => {
    expect([picked([], 'b'), picked(['b'], 'b'), picked(['a'], 'c', 'a'), picked(['d'], 'b', 'd'), picked(['a', 'b', 'c'], 'a', 'b')])
      .toEqual(['b', '', 'abc', 'bcd', 'c'])
  })
  it('is of one row where the last one is gone', () => {
    expect(picked(['z'], 'c', 'z')).toBe('cz')
  })
})

describe('work on many', () => {
  it('deletes piece by piece, and says which are gone', async () => {
    const asked = broker(({ body }) => json({ count: (body as { codes: string[] }).codes.length }))
    const [told, gone] = [[] as number[], [] as number[]]
    await removing(Array.from({ length: 501 }, (_, index) => String(index)), (codes) => gone.push(codes.length))((count) => told.push(count), never)
    expect([told, gone, asked.map((one) => one.url)]).toEqual([[500, 1], [500, 1], ['api/v1/messages/delete', 'api/v1/messages/delete']])
  })
  it('deletes what is found, page by page', async () => {
    const pages = [{ messages: [{ code: 'a', data: 'x' }], cursor: '2' }, { messages: [], cursor: '3' }, { messages: [{ code: 'b', data: 'x' }], cursor: null }]
    const asked = broker(({ method }) => json(method === 'GET' ? pages.shift() : { count: 1 }))
    let count = 0
    await removingFound({ topic: 't', to: 9 })((more) => { count += more }, never)
    expect([count, asked.filter((one) => one.method === 'POST').map((one) => one.body)]).toEqual([2, [{ codes: ['a'] }, { codes: ['b'] }]])
    expect(asked[2]!.url).toBe('api/v1/messages?topic=t&to=9&cursor=2&limit=500')
  })
  it('deletes nothing of a page that came after it was stopped', async () => {
    let stopped = false
    const asked = broker(() => { stopped = true; return json({ messages: [{ code: 'a', data: '' }], cursor: '2' }) })
    await removingFound({})(() => null, () => stopped)
    expect(asked).toHaveLength(1)
  })
  it('sends again to each group that gave up, and passes over what is gone', async () => {
    const life = { message: { topic: 't' }, groups: [{ group: 'g', state: 'dead' }, { group: 'h', state: 'acknowledged' }, { group: 'i', state: 'dead' }] }
    const asked = broker(({ method, url }) => {
      if (method === 'POST') return json({ result: 'done' })
      if (url.endsWith('/gone')) return json({ error: { code: 'notFound', message: '' } }, 404)
      return json(url.endsWith('/fine') ? { ...life, groups: [] } : life)
    })
    let count = 0
    await resending(['c', 'gone', 'fine'])((more) => { count += more }, never)
    expect(count).toBe(1)
    expect(asked.filter((one) => one.method === 'POST').map((one) => one.url)).toEqual(['g', 'i'].map((group) => `api/v1/topics/t/groups/${group}/dead/c/send`))
  })
  it('takes some at the same time, all of them, and none after it was stopped', async () => {
    const done: number[] = []
    await abreast([1, 2, 3], async (one) => { done.push(await Promise.resolve(one)) }, never)
    expect(done).toEqual([1, 2, 3])
    await abreast([4], async (one) => { done.push(await Promise.resolve(one)) }, () => true)
    expect(done).toHaveLength(3)
  })
  it('can be stopped, and says so', async () => {
    const { made } = within(useWork)
    await made.start('send', 10, async (on) => { on(5); made.stop(); await Promise.resolve() })
    expect(made.work).toMatchObject({ state: 'stopped', verb: 'send', done: 5, total: 10 })
    made.dismiss()
    expect(made.work.state).toBe('idle')
  })
  it('tells what went wrong, and what was done by then', async () => {
    const { made } = within(useWork)
    let asks = never
    await made.start('remove', undefined, async (on, stop) => { on(5); asks = stop; await Promise.reject(new Error('later')) })
    expect(made.work).toMatchObject({ state: 'failed', done: 5, fault: { message: 'later' } })
    expect(asks()).toBe(true)
  })
  it('is one at a time, and ends with its page', async () => {
    const { made, scope } = within(useWork)
    let asks = never
    let end = (): void => undefined
    const first = made.start('discard', 1, async (_, stop) => { asks = stop; await new Promise<void>((resolve) => { end = resolve }) })
    await made.start('send', 2, async () => { throw new Error('never') })
    expect([made.running.value, made.work.verb]).toEqual([true, 'discard'])
    scope.stop()
    end()
    await first
    expect(asks()).toBe(true)
  })
})
