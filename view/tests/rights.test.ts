import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { may } from '@/api'
import { look } from '@/api/link'
import { keepLearning, learn } from '@/api/rights'
import { key, signIn, signOut } from '@/api/session'
import { broker, json, nobody, settle, within } from './support'

beforeEach(() => { vi.useFakeTimers() })
afterEach(async () => {
  broker(() => json({ rights: [] }))
  await look()
  signOut()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('rights', () => {
  it('are those that the broker tells of this key', async () => {
    const asked = broker(() => json({ rights: ['read', 'consume'] }))
    await learn('narrow')
    expect(asked[0]).toMatchObject({ method: 'GET', url: 'api/v1/key' })
    expect([may('read'), key.value]).toEqual([false, null])
    signIn('narrow')
    expect([may('read'), may('consume'), may('publish'), may('steer')]).toEqual([true, true, false, false])
    signIn('another')
    expect(may('read')).toBe(false)
  })
  it('are none of a key that is refused', async () => {
    broker(() => json({ error: { code: 'unauthorized', message: '', retryAfter: 12 } }, 401))
    await expect(learn('guess')).rejects.toMatchObject({ status: 401, retryAfter: 12 })
    expect(may('read')).toBe(false)
  })
  it('are asked for once a key, and again when the broker is back', async () => {
    const asked = broker(() => json({ rights: ['read'] }))
    await learn('k')
    signIn('k')
    const { scope } = within(keepLearning)
    await settle()
    expect(asked).toHaveLength(1)
    broker(nobody)
    await learn('k').catch(() => null)
    expect(may('read')).toBe(true)
    const again = broker((one) => json(one.url === 'healthz' ? {} : { rights: ['read', 'steer'] }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(again.map((one) => one.url)).toEqual(['healthz', 'api/v1/key'])
    expect(may('steer')).toBe(true)
    scope.stop()
  })
  it('are none until the broker says so: it is asked until it does', async () => {
    for (const [status, retryAfter] of [[429, 2], [503, undefined]] as const) {
      broker(() => json({ error: { code: 'busy', message: '', retryAfter } }, status))
      const { scope } = within(keepLearning)
      signIn(`key ${status}`)
      await nextTick()
      await settle()
      expect(may('read')).toBe(false)
      const asked = broker(() => json({ rights: ['read'] }))
      await vi.advanceTimersByTimeAsync(retryAfter === undefined ? 0 : 1_900)
      expect(asked).toHaveLength(0)
      await vi.advanceTimersByTimeAsync(1_000)
      expect([asked.length, may('read'), may('steer')]).toEqual([1, true, false])
      scope.stop()
    }
  })
  it('are none of a key that may not even ask, nor is it asked for ever', async () => {
    const asked = broker(() => json({ error: { code: 'forbidden', message: '' } }, 403))
    const { scope } = within(keepLearning)
    signIn('none')
    await nextTick()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([asked.length, may('read')]).toEqual([1, false])
    scope.stop()
  })
  it('are not asked for any more of a key that has gone', async () => {
    broker(() => json({ error: { code: 'busy', message: '' } }, 503))
    const { scope } = within(keepLearning)
    signIn('gone')
    await nextTick()
    await settle()
    signOut()
    const asked = broker(() => json({ rights: ['read'] }))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(0)
    scope.stop()
  })
  it('are not asked for any more of a key that went while the broker thought about it', async () => {
    let answer = (_: Response): void => undefined
    broker(() => new Promise((resolve) => { answer = resolve }))
    const { scope } = within(keepLearning)
    signIn('going')
    await nextTick()
    await settle()
    signOut()
    const asked = broker(() => json({ rights: ['read'] }))
    await nextTick()
    answer(json({ error: { code: 'busy', message: '' } }, 503))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(0)
    scope.stop()
  })
  it('are all where the broker does not know the question: it sees to them itself', async () => {
    broker(() => json({ error: { code: 'notFound', message: '' } }, 404))
    const { scope } = within(keepLearning)
    signIn('old')
    await nextTick()
    await settle()
    expect(may('steer')).toBe(true)
    scope.stop()
  })
})
