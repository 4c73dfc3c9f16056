import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { brokerMs, brokerNow, node } from '@/api'
import { heard } from '@/api/clock'
import { useNow } from '@/components/ago'
import { broker, within } from './support'

const NOW = Date.UTC(2026, 10, 21, 12)
const date = (at: number): string => new Date(at).toUTCString() // in whole seconds, as a server's
const far = (): number => brokerMs() - Date.now()

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
  heard(date(NOW), NOW, NOW) // what was known before does not fit, or says that the clocks are alike
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('the broker’s clock', () => {
  it('is ours as far as no answer says otherwise', () => {
    heard(date(NOW + 900), NOW + 100, NOW + 1_000)
    heard(null, NOW, NOW)
    heard('yesterday', NOW, NOW)
    expect(brokerMs()).toBe(NOW)
  })
  it('is told by every answer, also by a refusal', async () => {
    for (const status of [200, 503]) {
      const ahead = status * 1_000
      broker(() => new Response('{}', { status, headers: { Date: date(Date.now() + ahead) } }))
      await node.show().catch(() => null)
      expect(Math.abs(far() - ahead)).toBeLessThanOrEqual(1_000)
    }
    expect(brokerNow()).toBe(brokerMs() / 1_000)
  })
  it('is that of the answer that was least delayed', () => {
    const ahead = 300_000
    heard(date(NOW + ahead + 8_000), NOW, NOW + 8_000)
    expect(far()).toBeGreaterThan(ahead)
    heard(date(NOW + ahead), NOW, NOW + 20)
    const once = far()
    expect(Math.abs(once - ahead)).toBeLessThan(1_000)
    heard(date(NOW + ahead + 9_000), NOW + 1_000, NOW + 15_000)
    heard(date(NOW + ahead + 3_000), NOW + 1_000, NOW + 3_000)
    expect(far()).toBe(once)
  })
  it('is closer to it with each answer', () => {
    const ahead = -70_300
    for (let at = NOW; at < NOW + 10_000; at += 270) heard(date(Math.floor((at + ahead + 5) / 1_000) * 1_000), at, at + 10)
    expect(Math.abs(far() - ahead)).toBeLessThan(200)
  })
  it('is found anew when one of the clocks is put right', () => {
    heard(date(NOW + 300_000), NOW, NOW + 10)
    heard(date(NOW + 5_000), NOW + 5_000, NOW + 5_010)
    expect(far()).toBe(0)
  })
  it('is what ages are reckoned by, at once', () => {
    const { made: now, scope } = within(useNow)
    heard(date(NOW - 300_000), NOW, NOW + 10)
    expect(Math.abs(now.value * 1_000 - (NOW - 300_000))).toBeLessThan(1_000)
    scope.stop()
  })
})
