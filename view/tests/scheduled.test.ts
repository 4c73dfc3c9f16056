import { describe, expect, it } from 'vitest'
import { due, edges, isIn, moved, questions, reaches, slots, total, upcoming, without } from '@/pages/scheduled/scheduled'
import { asField, fromField } from '@/fields'
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
  it('has slots without gaps, from now on', () => {
    for (const step of ['minute', 'hour', 'day'] as const) {
      const all = edges(NOW, step)
      expect(all).toHaveLength(step === 'day' ? 15 : 25)
      expect(all[0]).toBeLessThanOrEqual(NOW)
      expect(all[1]).toBeGreaterThan(NOW)
    }
    expect(edges(NOW + 61, 'minute').slice(0, 2)).toEqual([NOW, NOW + 300])
    expect(edges(NOW, 'hour').slice(0, 2)).toEqual([NOW - HOUR / 2, NOW + HOUR / 2])
    expect(edges(NOW, 'day')[1]).toBe(new Date(2026, 10, 22).getTime() / 1_000)
  })
  it('asks for them in steps that begin with each, and not for too many', () => {
    for (const step of ['minute', 'hour', 'day'] as const) {
      const all = edges(NOW, step)
      const [near, later] = questions(all, step)
      expect([near.from, near.to, later.from]).toEqual([all[0], all.at(-1), all.at(-1)])
      for (const { from, to, step: every } of [near, later]) expect(Math.ceil((to - from) / every)).toBeLessThanOrEqual(400)
      for (const edge of all) expect((edge - near.from) % near.step).toBe(0)
    }
  })
  it('counts by slots, and what is later', () => {
    const all = edges(NOW, 'day')
    const [first, second] = [all[0]!, all[1]!]
    const found = slots(all, [{ at: first + HOUR, count: 2 }, { at: second - HOUR, count: 1 }, { at: second, count: 5 }], [{ at: all.at(-1)!, count: 7 }, { at: all.at(-1)! + 1e6, count: 1 }])
    expect(found).toHaveLength(15)
    expect(found.map((slot) => slot.count)).toEqual([3, 5, ...Array<number>(12).fill(0), 8])
    expect(found.at(-1)!.to).toBe(Infinity)
    expect(total(found)).toBe(16)
    for (const [index, slot] of found.slice(1).entries()) expect(slot.from).toBe(found[index]!.to)
  })
  it('is covered by a list that has reached its end', () => {
    expect([5, 30, 31].map((time) => reaches([message('a', 10), message('b', 30)], time))).toEqual([true, true, false])
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
