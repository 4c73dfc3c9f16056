import { describe, expect, it } from 'vitest'
import { asField, due, fromField, isIn, moved, slots, upcoming, without } from '@/pages/scheduled'
import type { MessageView } from '@/api'

const NOW = new Date(2026, 10, 21, 10, 30).getTime() / 1_000 // the reader's clock
const HOUR = 3_600
const message = (code: string, dueTime: number): MessageView => ({ code, topic: 't', data: '', status: 'delayed', createTime: 1, dueTime })
const codes = (rows: readonly MessageView[]): string => rows.map((row) => row.code).join('')

describe('what is to come', () => {
  it('is sorted, without what has fallen due, and as it was told last', () => {
    const rows = [message('a', NOW + 9), message('b', NOW), message('c', NOW + 5), message('a', NOW + 2)]
    expect(upcoming(rows, NOW).map((row) => [row.code, due(row)])).toEqual([['a', NOW + 2], ['c', NOW + 5]])
  })
})

describe('the calendar', () => {
  it('counts by days, and what is later', () => {
    const rows = [message('a', NOW + 60), message('b', NOW + 24 * HOUR), message('c', NOW + 24 * HOUR), message('d', NOW + 900 * HOUR)]
    const found = slots(rows, NOW, 'day', true)
    expect(found).toHaveLength(15)
    expect(found.map((slot) => slot.count)).toEqual([1, 2, ...Array<number>(12).fill(0), 1])
    expect(found[1]!.from).toBe(new Date(2026, 10, 22).getTime() / 1_000)
    expect(found.at(-1)!.to).toBe(Infinity)
    expect(found.every((slot) => slot.known === 'all')).toBe(true)
    for (const [index, slot] of found.slice(1).entries()) expect(slot.from).toBe(found[index]!.to)
  })
  it('counts by hours', () => {
    const found = slots([message('a', NOW + 60), message('b', NOW + HOUR / 2)], NOW, 'hour', true)
    expect(found).toHaveLength(25)
    expect(found.slice(0, 3).map((slot) => slot.count)).toEqual([1, 1, 0])
    expect(found[0]!.from).toBe(NOW - HOUR / 2)
  })
  it('says what it does not know yet', () => {
    const found = slots([message('a', NOW + 60), message('b', NOW + HOUR)], NOW, 'hour', false)
    expect(found.slice(0, 3).map((slot) => slot.known)).toEqual(['all', 'some', 'none'])
    expect(slots([], NOW, 'hour', false)[0]!.known).toBe('none')
  })
  it('has the beginning of a slot in it, and not its end', () => {
    expect([4, 5, 9, 10].map((at) => isIn(message('a', at), { from: 5, to: 10 }))).toEqual([false, true, true, false])
  })
})

describe('the list', () => {
  const rows = [message('a', 10), message('b', 20), message('c', 30)]
  it('is without one that is over', () => {
    expect(codes(without(rows, 'b'))).toBe('ac')
  })
  it('has one that was put off where it belongs', () => {
    expect(codes(moved(rows, 'a', 25, false))).toBe('bac')
    expect(codes(moved(rows, 'a', 99, true))).toBe('bca')
    expect(codes(moved(rows, 'x', 5, true))).toBe('abc')
  })
  it('leaves it to a page that is still to come', () => {
    expect(codes(moved(rows, 'a', 99, false))).toBe('bc')
  })
})

describe('a field of time', () => {
  it('has the clock of the reader', () => {
    expect(asField(NOW)).toBe('2026-11-21T10:30:00')
    expect(fromField(asField(NOW + 0.9))).toBe(NOW)
    expect(fromField('2026-11-21T10:30')).toBe(NOW)
    expect(fromField('')).toBeUndefined()
  })
})
