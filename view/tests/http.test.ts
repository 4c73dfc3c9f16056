import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dead, groups, messages, node, topics } from '@/api'
import { Gone, Refused } from '@/api/errors'
import { address, send } from '@/api/http'
import { gone, look, returns } from '@/api/link'
import { key, signedOut, signIn, signOut } from '@/api/session'
import { broker, json, nobody, settle } from './support'

beforeEach(() => {
  vi.useFakeTimers()
  signIn('s3cret')
})
afterEach(async () => {
  broker(() => json({}))
  await look()
  signOut()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('addresses', () => {
  it('take each part as one segment', () => {
    expect(address(['topics', 'a/b.>', 'groups', '日志?'])).toBe('api/v1/topics/a%2Fb.%3E/groups/%E6%97%A5%E5%BF%97%3F')
  })
  it('leave out what says nothing, and repeat what is many', () => {
    expect(address(['counts'], { topic: ['a b', 'c'], from: 0, text: '', cursor: null, to: undefined }))
      .toBe('api/v1/counts?topic=a+b&topic=c&from=0')
  })
})

describe('asking', () => {
  it('shows the key in a header and nowhere else', async () => {
    const asked = broker(() => json({ topics: [], cursor: null }))
    expect(await topics.list({ limit: 5 })).toEqual({ topics: [], cursor: null })
    expect(asked).toHaveLength(1)
    expect(asked[0]!.url).toBe('api/v1/topics?limit=5')
    expect(asked[0]!.headers.get('secretKey')).toBe('s3cret')
    expect(JSON.stringify(asked)).not.toContain('s3cret')
  })
  it('sends JSON, and only where there is a body', async () => {
    const asked = broker(() => json({ count: 1, cursor: null }))
    await dead.sendMany('t', 'g', { filter: { reason: 'x' }, limit: 10 })
    await groups.pause('t', 'g')
    expect(asked[0]).toMatchObject({ method: 'POST', url: 'api/v1/topics/t/groups/g/dead/send', body: { filter: { reason: 'x' }, limit: 10 } })
    expect(asked[0]!.headers.get('Content-Type')).toBe('application/json')
    expect(asked[1]).toMatchObject({ method: 'POST', body: undefined })
    expect(asked[1]!.headers.has('Content-Type')).toBe(false)
  })
  it('sends a key in any letters as its bytes', async () => {
    const asked = broker(() => json({}))
    await node.show({ key: 'schlüssel' })
    expect(asked[0]!.headers.get('secretKey')).toBe('schlÃ¼ssel')
  })
})

describe('a refusal', () => {
  it('says when to try again where it has no body', async () => {
    broker(() => new Response(null, { status: 401, headers: { 'Retry-After': '7' } }))
    await expect(send('HEAD', address(['watch']), { key: 'guess' })).rejects.toMatchObject({ status: 401, retryAfter: 7 })
    broker(() => new Response(null, { status: 403 }))
    await expect(send('HEAD', address(['watch']), { key: 'guess' })).rejects.toMatchObject({ status: 403, retryAfter: undefined })
  })
  it('is an error with what the broker said', async () => {
    broker(() => json({ error: { code: 'full', message: 'no room', retryAfter: 1.5, index: 3 }, result: 'tooLate' }, 503))
    const error = await messages.remove('c').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(Refused)
    expect(error).toMatchObject({ status: 503, code: 'full', message: 'no room', retryAfter: 1.5, index: 3, result: 'tooLate' })
    expect(gone.value).toBe(false)
  })
  it('may be no JSON, or that of the operators’ routes', async () => {
    broker(() => new Response('<html>', { status: 500 }))
    await expect(node.show()).rejects.toMatchObject({ code: 'internal', message: 'HTTP 500' })
    broker(() => json({ error: 'secretKey: wrong or missing' }, 503))
    await expect(node.show()).rejects.toMatchObject({ message: 'secretKey: wrong or missing' })
  })
  it('of the key signs out', async () => {
    broker(() => json({ error: { code: 'unauthorized', message: 'secretKey: wrong or missing' } }, 401))
    await expect(node.show()).rejects.toBeInstanceOf(Refused)
    expect(key.value).toBeNull()
    expect(signedOut.value).toBe('refused')
    expect(sessionStorage.length).toBe(0)
  })
  it('of a key that is only tried, or of one before the last, signs nobody out', async () => {
    broker(() => json({ error: { code: 'unauthorized', message: '' } }, 401))
    await expect(node.show({ key: 'guess' })).rejects.toBeInstanceOf(Refused)
    expect(key.value).toBe('s3cret')
    broker(() => { signIn('another'); return json({ error: { code: 'unauthorized', message: '' } }, 401) })
    await expect(node.show()).rejects.toBeInstanceOf(Refused)
    expect(key.value).toBe('another')
  })
})

describe('a broker that is away', () => {
  it('is noticed, looked for later and later, and noticed when it is back', async () => {
    const before = returns.value
    const asked = broker(nobody)
    await expect(node.show()).rejects.toBeInstanceOf(Gone)
    expect(gone.value).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    const looks = asked.filter((one) => one.url === 'healthz')
    expect(looks.length).toBeGreaterThan(5)
    expect(looks.length).toBeLessThan(30)
    expect(looks.every((one) => !one.headers.has('secretKey'))).toBe(true)
    broker(() => json({ status: 'ok' }))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(gone.value).toBe(false)
    expect(returns.value).toBe(before + 1)
  })
  it('may be behind a proxy', async () => {
    broker(() => new Response('bad gateway', { status: 502 }))
    await expect(node.show()).rejects.toBeInstanceOf(Gone)
    await look()
    expect(gone.value).toBe(true)
  })
  it('is back as soon as anything is answered', async () => {
    broker(nobody)
    await node.show().catch(() => null)
    broker(() => json({}))
    await node.show()
    expect(gone.value).toBe(false)
  })
  it('is not what an abort means', async () => {
    broker(() => json({}))
    await expect(node.config(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    expect(gone.value).toBe(false)
  })
  it('may break off in the middle of an answer', async () => {
    broker(() => new Response('{"name":', { headers: { 'Content-Type': 'application/json' } }))
    await expect(node.show()).rejects.toBeInstanceOf(Gone)
    await settle()
    expect(gone.value).toBe(true)
  })
})
