import { afterEach, describe, expect, it } from 'vitest'
import { Gone, Refused } from '@/api/errors'
import { KapokError } from '@/client/kapokmq.js'
import { faultText } from '@/faults'
import { show } from '@/i18n'

afterEach(() => show('en'))

describe('what went wrong', () => {
  const refused = new Refused(404, { code: 'notFound', message: 'topic: there is none' })
  it('is told in the language of the page, with the broker’s own words', async () => {
    await show('en')
    expect(faultText(refused)).toBe('There is none, or none any more (topic: there is none)')
    expect(faultText(new Gone('nobody answers'))).toBe('The node does not answer. It may have been done, or not.')
    await show('zh')
    expect(faultText(refused)).toBe('不存在，或已不存在（topic: there is none）')
    expect(faultText(new Gone('nobody answers'))).toBe('节点没有响应，操作可能已执行，也可能没有。')
  })
  it('says when to try again', async () => {
    await show('en')
    expect(faultText(new Refused(503, { code: 'busy', message: 'wait', retryAfter: 1.2 })))
      .toBe('The node has too much to do (wait) Try again after 2 s.')
  })
  it('is told likewise of v2, and as it is where nobody knows it', async () => {
    await show('en')
    expect(faultText(new KapokError('paused', 'no'))).toBe('The topic is paused (no)')
    expect([faultText(new Refused(418, { code: 'teapot', message: 'short' })), faultText(new Error('a delay')), faultText('x')])
      .toEqual(['short', 'a delay', 'x'])
  })
})
