import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextTick, ref, shallowRef } from 'vue'
import { asked, bounded, byReason, carryOut, fromQuery, letter, ofReason, readsOn, stricken, which, type Letter, type Task } from '@/pages/dead/dead'
import { usePicks } from '@/pages/dead/picks'
import { broker, json, within } from './support'

afterEach(() => vi.unstubAllGlobals())

const of = (reason: string, at = 1): Letter => ({ code: 'c', at, attempts: 1, reason, text: '' })
const view = (code: string, reason: string) =>
  ({ message: { code, topic: 't', data: 'x', status: 'dead', createTime: 1 }, group: 'g', at: 2, attempts: 3, reason })
const TASK: Task = { verb: 'send', topic: 't', group: 'g', filter: {} }
const never = (): boolean => false

describe('reasons', () => {
  it('are counted, the most frequent first', () => {
    expect(byReason([of('b', 5), of('a', 9), of('a', 2), of('')])).toEqual([
      { reason: 'a', count: 2, last: 9 }, { reason: '', count: 1, last: 1 }, { reason: 'b', count: 1, last: 5 },
    ])
    expect(letter(view('c', 'r') as never)).toEqual({ code: 'c', at: 2, attempts: 3, reason: 'r', text: 'x' })
  })
  it('are looked for by the broker only where no other reason is meant too', () => {
    const all = byReason([of('bank closed'), of('bank closed today'), of('')])
    expect(ofReason(TASK, 'bank closed today', all, true)).toEqual({ ...TASK, filter: { reason: 'bank closed today' } })
    expect(ofReason(TASK, 'bank closed', all, true).exactly).toBe('bank closed')
    expect(ofReason(TASK, 'bank closed today', all, false).exactly).toBe('bank closed today')
    expect(ofReason(TASK, '', all, true)).toEqual({ ...TASK, exactly: '' })
    expect(ofReason({ ...TASK, filter: { reason: 'bank', text: 'x' } }, 'bank closed today', all, true))
      .toEqual({ ...TASK, filter: { reason: 'bank closed today', text: 'x' }, exactly: 'bank closed today' })
    const long = 'ab'.repeat(400)
    expect(ofReason(TASK, long, byReason([of(long)]), true)).toMatchObject({ filter: { reason: long.slice(0, 512) }, exactly: long })
  })
})

describe('what a dialog asks about', () => {
  const shown = [of('r', 100.123), of('r', 90)]
  it('is what is shown, where that is all, and no letter that came later', () => {
    expect(bounded({ text: 'x' }, shown, true, 777)).toEqual({ text: 'x', before: 100.124 })
  })
  it('is else what was given up by then, and what is shown whatever the clocks say', () => {
    expect([bounded({}, shown, false, 777), bounded({}, shown, false, 50)]).toEqual([{ before: 777.001 }, { before: 100.124 }])
  })
  it('goes no further than the form does', () => {
    expect([bounded({ before: 95 }, shown, false, 777), bounded({ before: 999 }, shown, false, 777)]).toEqual([{ before: 95 }, { before: 777.001 }])
  })
})

describe('picked letters', () => {
  const named = (...codes: string[]): Letter[] => codes.map((code) => ({ ...of('r'), code }))
  it('are picked no more once they have gone: one that comes back was not', async () => {
    const list = { rows: shallowRef(named('a', 'b', 'c')), whole: ref(true) }
    const { made, scope } = within(() => usePicks(list, list.rows))
    made.pickAll()
    made.unpick(new Set(['a']))
    expect([made.chosen.value, made.allChosen.value]).toEqual([['b', 'c'], false])
    list.whole.value = false
    list.rows.value = named('c') // b may be on a page to come
    await nextTick()
    expect([...made.selected.value]).toEqual(['b', 'c'])
    list.whole.value = true
    await nextTick()
    list.rows.value = named('a', 'b', 'c')
    expect(made.chosen.value).toEqual(['c'])
    made.pick('c')
    expect(made.chosen.value).toEqual([])
    scope.stop()
  })
})

it('reads on for reasons while that is not much', () => {
  expect([readsOn(50, 4_000), readsOn(5_000, 4_000), readsOn(100, 9_000_000)]).toEqual([true, false, false])
})

describe('groups with dead letters', () => {
  it('are found on all pages', async () => {
    const asked = broker(({ url }) => json(url.includes('cursor=2')
      ? { groups: [{ name: 'c', dead: 9 }], cursor: null }
      : { groups: [{ name: 'a', dead: 1 }, { name: 'b', dead: 0 }], cursor: '2' }))
    expect((await stricken(new AbortController().signal)).map((one) => one.name)).toEqual(['c', 'a'])
    expect(asked).toHaveLength(2)
  })
})

describe('sending again', () => {
  it('goes from cursor to cursor and tells how far it is', async () => {
    const answers = [{ count: 200, cursor: '7' }, { count: 0, cursor: '8' }, { count: 3, cursor: null }]
    const asked = broker(() => json(answers.shift()))
    const told: number[] = []
    await carryOut({ ...TASK, filter: { text: 'x' } }, (count) => told.push(count), never)
    expect(told).toEqual([200, 0, 3])
    expect(asked.map((one) => one.url)).toEqual(Array(3).fill('api/v1/topics/t/groups/g/dead/send'))
    expect(asked[1]!.body).toEqual({ filter: { text: 'x' }, limit: 200, cursor: '7' })
  })
  it('names each letter of a reason, and passes over those that are gone', async () => {
    const asked = broker(({ method, url }) => {
      if (method === 'GET') return json({ dead: [view('1', 'r'), view('2', 'r and more'), view('3', 'r')], cursor: null })
      return url.includes('/3/') ? json({ error: { code: 'notFound', message: '' } }, 404) : json({ result: 'done' })
    })
    let count = 0
    await carryOut({ ...TASK, filter: { reason: 'r' }, exactly: 'r' }, (more) => { count += more }, never)
    expect(count).toBe(1)
    expect(asked.slice(1).map((one) => one.url.split('/').slice(-2)).sort()).toEqual([['1', 'send'], ['3', 'send']])
  })
  it('deals with those that were picked, and with nothing after it was stopped', async () => {
    const asked = broker(() => json({ result: 'done' }))
    let count = 0
    await carryOut({ ...TASK, verb: 'discard', codes: ['1', '2'] }, (more) => { count += more }, never)
    expect([count, asked.map((one) => `${one.method} ${one.url.split('/').at(-1)}`)]).toEqual([2, ['DELETE 1', 'DELETE 2']])
    await carryOut({ ...TASK, codes: ['3'] }, () => null, () => true)
    expect(asked).toHaveLength(2)
  })
  it('discards likewise', async () => {
    const asked = broker(() => json({ count: 1, cursor: null }))
    await carryOut({ ...TASK, verb: 'discard' }, () => null, never)
    expect(asked[0]!.url).toBe('api/v1/topics/t/groups/g/dead/purge')
  })
})

describe('the address', () => {
  const found = [{ topic: 'b', name: 'g' }, { topic: 'a', name: 'h' }] as never
  it('asks for a group, for any of a topic, or for any', () => {
    expect(asked({ topic: 'x', group: 'y' }, found)).toEqual({ topic: 'x', group: 'y' })
    expect(asked({ topic: 'a' }, found)).toEqual({ topic: 'a', group: 'h' })
    expect(asked({}, found)).toEqual({ topic: 'b', group: 'g' })
    expect(asked({ topic: 'x' }, found)).toBeUndefined()
    expect(asked({}, [])).toBeUndefined()
  })
  it('asks for some letters', () => {
    expect(which(fromQuery({ reason: 'bank', before: '12.5', of: 'x' }))).toEqual({ reason: 'bank', before: 12.5 })
    expect(which(fromQuery({ text: 'a', reason: ['b', 'c'], before: 'soon' }))).toEqual({ text: 'a' })
  })
})
