import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, shallowRef } from 'vue'
import { keep, useCalm } from '@/calm'
import { within } from './support'

interface Row { id: string, n: number }
const row = (id: string, n = 0): Row => ({ id, n })
const id = (one: Row): string => one.id

describe('rows', () => {
  const before = keep([], [row('a', 1), row('b', 2)], id, false)
  it('are as they are told, unless they are held', () => {
    expect(keep(before, [row('b', 3), row('c')], id, false).map((one) => [one.key, one.now.n, one.then.n, one.gone])).toEqual([['b', 3, 3, false], ['c', 0, 0, false]])
  })
  it('keep their places while they are held, and tell what is new of them', () => {
    expect(keep(before, [row('c'), row('b', 3)], id, true).map((one) => [one.key, one.now.n, one.then.n, one.gone])).toEqual([['a', 1, 1, true], ['b', 3, 2, false]])
  })
})

describe('a table', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })
  const made = () => {
    const source = shallowRef([row('a'), row('b')])
    const { made: calm, scope } = within(() => useCalm(() => source.value, id))
    const keys = (): string => calm.rows.value.map((one) => one.key).join('')
    return { source, calm, scope, keys }
  }

  it('is held by a move, and goes on some seconds after the last', async () => {
    const { source, calm, keys } = made()
    calm.on['pointermove']!()
    source.value = [row('c'), row('b')]
    await nextTick()
    expect([keys(), calm.fresh.value]).toEqual(['ab', 1])
    await vi.advanceTimersByTimeAsync(3_000)
    calm.on['keydown']!()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(keys()).toBe('ab')
    await vi.advanceTimersByTimeAsync(1_000)
    expect([keys(), calm.fresh.value]).toEqual(['cb', 0])
  })
  it('goes on when the mouse leaves, or is told to', async () => {
    const { source, calm, keys } = made()
    calm.on['pointermove']!()
    source.value = [row('c')]
    await nextTick()
    calm.on['pointerleave']!()
    expect(keys()).toBe('c')
  })
  it('is not held empty', async () => {
    const { source, calm, keys } = made()
    source.value = []
    await nextTick()
    calm.on['pointermove']!()
    source.value = [row('x')]
    await nextTick()
    expect(keys()).toBe('x')
  })
})
