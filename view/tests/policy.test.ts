import { describe, expect, it } from 'vitest'
import { answeredBy, asked, GROUP_RULES, TOPIC_RULES } from '@/pages/topics/policy'
import { readBytes, readSeconds } from '@/units'

describe('the form of a policy', () => {
  it.each([
    ['90', 90], ['1.5', 1.5], ['.5', 0.5], ['0', 0], ['2d', 172_800], ['1h 30m', 5_400], ['1h30m', 5_400], ['200 ms', 0.2],
    ['', undefined], ['x', undefined], ['-1', undefined], ['1 2', undefined], ['3 weeks', undefined], ['1h 30', undefined], ['1e3', undefined],
    ['3 constructor', undefined],
  ])('reads %s as seconds: %s', (text, seconds) => { expect(readSeconds(text)).toBe(seconds) })
  it.each([
    ['1024', 1024], ['1 KiB', 1024], ['1.5M', 1_572_864], ['2gb', 2_147_483_648], ['', undefined], ['x', undefined], ['-1', undefined], ['1 XB', undefined],
  ])('reads %s as bytes: %s', (text, bytes) => { expect(readBytes(text)).toBe(bytes) })
  it('gives back what it was given', () => {
    const policy = { retention: 'log' as const, maxAge: 86_400, maxMessages: 5, maxBytes: 1_048_576, overflow: null, dedupWindow: null, paused: true }
    const texts = asked(policy, TOPIC_RULES)
    expect(texts).toMatchObject({ retention: 'log', maxAge: '86400', overflow: '' })
    expect(answeredBy(texts, TOPIC_RULES)).toEqual({ policy: { retention: 'log', maxAge: 86_400, maxMessages: 5, maxBytes: 1_048_576 }, wrong: [] })
  })
  it('names what it can’t read, as the broker would refuse it', () => {
    expect(answeredBy({ ackWait: '0', maxAttempts: '-1', backoff: 'soon', backoffMax: '5m', choice: 'best' }, GROUP_RULES))
      .toEqual({ policy: { backoffMax: 300 }, wrong: ['ackWait', 'maxAttempts', 'backoff', 'choice'] })
    expect(answeredBy({ maxAttempts: '0', backoff: '0' }, GROUP_RULES)).toEqual({ policy: { maxAttempts: 0, backoff: 0 }, wrong: [] })
    expect(answeredBy({ maxMessages: '0', maxBytes: '0', maxAge: '200000d' }, TOPIC_RULES).wrong).toEqual(['maxAge', 'maxMessages', 'maxBytes'])
    expect(answeredBy({ maxAttempts: '1000001' }, GROUP_RULES).wrong).toEqual(['maxAttempts'])
  })
})
