import { describe, expect, it } from 'vitest'
import { beginning, BLANK, fromField, fromQuery, line, pieces, search, toField, toQuery } from '@/pages/messages'

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
    for (const at of ['0', '1795222201']) expect(fromField(toField(at))).toBe(at)
    expect([toField(''), toField('x'), fromField(''), fromField('x')]).toEqual(['', '', '', ''])
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
