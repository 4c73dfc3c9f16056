import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick, ref, watch } from 'vue'
import { node, useList, useLoad } from '@/api'
import { Gone, Refused } from '@/api/errors'
import { look } from '@/api/link'
import { broker, json, nobody, settle, within } from './support'

beforeEach(() => { vi.useFakeTimers() })
afterEach(async () => {
  broker(() => json({}))
  await look()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('loading', () => {
  it('asks at once and shows what was told', async () => {
    const { made } = within(() => useLoad(() => Promise.resolve(5)))
    expect([made.phase.value, made.busy.value]).toEqual(['loading', true])
    await settle()
    expect([made.phase.value, made.data.value, made.busy.value]).toEqual(['ready', 5, false])
  })
  it('keeps what it has when asking again fails', async () => {
    const answers = [Promise.resolve(5), Promise.reject(new Refused(500, { code: 'internal', message: 'no' }))]
    answers[1]!.catch(() => null)
    const { made } = within(() => useLoad(() => answers.shift()!))
    await settle()
    await made.reload()
    expect([made.phase.value, made.data.value, made.error.value?.message]).toEqual(['error', 5, 'no'])
  })
  it('asks again when the broker is back', async () => {
    broker(nobody)
    const { made } = within(() => useLoad((signal) => node.show({ signal })))
    await settle()
    expect(made.phase.value).toBe('gone')
    expect(made.error.value).toBeInstanceOf(Gone)
    broker(() => json({ name: 'n' }))
    await vi.advanceTimersByTimeAsync(11_000)
    expect([made.phase.value, made.data.value]).toEqual(['ready', { name: 'n' }])
  })
  it('begins anew when what it is about changes, and forgets late answers', async () => {
    const topic = ref('slow')
    const release: (() => void)[] = []
    const { made, scope } = within(() => useLoad(() => {
      const of = topic.value
      return new Promise<string>((resolve) => { release.push(() => resolve(of)) })
    }, () => topic.value))
    topic.value = 'quick'
    await nextTick()
    release[1]!()
    await settle()
    release[0]!()
    await settle()
    expect([made.phase.value, made.data.value]).toEqual(['ready', 'quick'])
    scope.stop()
  })
})

describe('a list', () => {
  const pages: Record<string, { rows: number[], cursor: string | null }> = {
    '': { rows: [1, 2], cursor: 'b' },
    b: { rows: [], cursor: 'c' },
    c: { rows: [3], cursor: null },
  }
  it('comes page by page, past empty ones, until it is whole', async () => {
    const asked: (string | null)[] = []
    const { made } = within(() => useList((cursor) => { asked.push(cursor); return Promise.resolve(pages[cursor ?? '']!) }))
    await settle()
    expect([made.rows.value, made.whole.value]).toEqual([[1, 2], false])
    await Promise.all([made.more(), made.more()])
    expect([made.rows.value, made.whole.value, asked]).toEqual([[1, 2, 3], true, [null, 'b', 'c']])
    await made.more()
    expect(asked).toHaveLength(3)
    await made.reload()
    expect(made.rows.value).toEqual([1, 2])
  })
  it('stays while it is read anew, unless it is another one', async () => {
    const topic = ref('a')
    const release: (() => void)[] = []
    const { made, scope } = within(() => useList(() => {
      const row = `${topic.value}${release.length}`
      return new Promise<{ rows: string[], cursor: null }>((resolve) => { release.push(() => resolve({ rows: [row], cursor: null })) })
    }, () => topic.value))
    release[0]!()
    await settle()
    void made.reload()
    await settle()
    expect([made.rows.value, made.phase.value, made.busy.value]).toEqual([['a0'], 'ready', true])
    release[1]!()
    await settle()
    expect(made.rows.value).toEqual(['a1'])
    topic.value = 'b'
    await settle()
    expect([made.rows.value, made.phase.value]).toEqual([[], 'loading'])
    release[2]!()
    await settle()
    expect([made.rows.value, made.phase.value]).toEqual([['b2'], 'ready'])
    scope.stop()
  })
  it('is read again as far as it was there when the broker is back, and what is there stays meanwhile', async () => {
    broker(nobody)
    const page = (cursor: string | null): { rows: number[], cursor: string | null } => {
      const at = Number(cursor ?? 0)
      return { rows: [at, at + 1], cursor: at < 8 ? String(at + 2) : null }
    }
    let ask = (cursor: string | null): Promise<{ rows: number[], cursor: string | null }> => Promise.resolve(page(cursor))
    const { made, scope } = within(() => useList((cursor) => ask(cursor)))
    const seen: number[] = []
    await settle()
    await made.more()
    await made.more()
    expect(made.rows.value).toEqual([0, 1, 2, 3, 4, 5])
    watch(made.rows, (rows) => { seen.push(rows.length) }, { flush: 'sync' })
    const leave = async (): Promise<void> => {
      await node.show().catch(() => null)
      broker(() => json({}))
      await vi.advanceTimersByTimeAsync(11_000)
      broker(nobody)
    }
    // It goes away again within: all stays as it was, and can go on.
    ask = (cursor) => (cursor === null ? Promise.resolve(page(cursor)) : Promise.reject(new Gone('x')))
    await leave()
    expect([made.rows.value.length, made.phase.value, seen]).toEqual([6, 'gone', []])
    ask = (cursor) => Promise.resolve(page(cursor))
    await leave()
    expect([made.rows.value, made.phase.value, made.busy.value, seen]).toEqual([[0, 1, 2, 3, 4, 5], 'ready', false, [6]])
    await made.more()
    expect(made.rows.value).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    scope.stop()
  })
  it('stops at last where pages stay empty', async () => {
    let asked = 0
    const { made } = within(() => useList(() => { asked++; return Promise.resolve({ rows: [], cursor: 'on' }) }))
    await settle()
    expect([made.phase.value, made.whole.value, asked]).toEqual(['ready', false, 20])
  })
  it('keeps its rows when the next page is refused', async () => {
    const answers = [Promise.resolve({ rows: [1], cursor: 'b' }), Promise.reject(new Gone('x'))]
    answers[1]!.catch(() => null)
    const { made } = within(() => useList(() => answers.shift()!))
    await settle()
    await made.more()
    expect([made.rows.value, made.phase.value]).toEqual([[1], 'gone'])
  })
})
