import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, shallowRef } from 'vue'
import { keep, useCalm } from '@/calm'
import { within } from './support'

interface Row { id: string, n: number }
const row = (id: string, n = 0): Row => ({ id, n })
const id = (one: Row): string => one.id

describe('rows that are kept', () => {
  it('stay in their places, tell what is new of them, and are followed by new ones', () => {
    const { rows, gone } = keep([row('a', 1), row('b', 2)], [row('c'), row('b', 3)], id)
    expect(rows).toEqual([row('a', 1), row('b', 3), row('c')])
    expect([...gone]).toEqual(['a'])
  })
  it('come back in the same place', () => {
    const once = keep([row('a', 1), row('b', 2)], [row('b', 2)], id)
    const again = keep(once.rows, [row('b', 2), row('a', 5)], id)
    expect([again.rows, again.gone.size]).toEqual([[row('a', 5), row('b', 2)], 0])
  })
})

describe('a table', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })
  const made = (live = true) => {
    const source = shallowRef([row('a'), row('b')])
    const { made: calm, scope } = within(() => useCalm(() => source.value, id, () => live))
    const keys = (): string => calm.placed.value.rows.map(id).join('')
    return { source, calm, scope, keys }
  }

  it('is held by a move, and goes on some seconds after the last', async () => {
    const { source, calm, keys } = made()
    calm.on['pointermove']!()
    source.value = [row('c'), row('b')]
    await nextTick()
    expect([keys(), [...calm.placed.value.gone]]).toEqual(['abc', ['a']])
    await vi.advanceTimersByTimeAsync(3_000)
    calm.on['keydown']!()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(keys()).toBe('abc')
    await vi.advanceTimersByTimeAsync(1_000)
    expect([keys(), calm.placed.value.gone.size]).toEqual(['cb', 0])
  })
  it('goes on when the mouse leaves, or is told to', async () => {
    for (const end of ['pointerleave', undefined]) {
      const { source, calm, keys } = made()
      calm.on['pointermove']!()
      source.value = [row('c')]
      await nextTick()
      if (end === undefined) calm.release()
      else calm.on[end]!()
      expect(keys()).toBe('c')
    }
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
  it('is not held where its rows change by the reader’s doing only', async () => {
    const { source, calm, keys } = made(false)
    calm.on['pointermove']!()
    source.value = [row('c'), row('b')]
    await nextTick()
    expect(keys()).toBe('cb')
  })
})
