import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, KapokError, type Client } from '@/client/kapokmq.js'
import { answered, gone } from '@/api/link'
import { key, signIn } from '@/api/session'
import { socketAddress, useTail } from '@/pages/try/tail'
import { broker, nobody, settle, within } from './support'

/** A client whose messages the test hands out. */
class Fake extends EventTarget {
  state = 'connecting'
  closedWith: unknown
  handler!: (message: unknown) => unknown
  options: unknown
  over!: (why: KapokError | null) => void
  subscribe (_topic: string, handler: Fake['handler'], options: unknown) {
    this.handler = handler
    this.options = options
    return { ready: Promise.resolve(), ended: new Promise<KapokError | null>((resolve) => { this.over = resolve }) }
  }

  async close (how: unknown) { this.closedWith = how }
  tell (detail: object) { this.dispatchEvent(Object.assign(new Event('state'), { detail })) }
}

const told = (code: string, more = {}) => ({ code, topic: 't', data: code, createTime: 1, attempt: 1, headers: {}, nack: vi.fn(), ...more })

let fakes: Fake[]
function tail () {
  const { made, scope } = within(() => useTail(() => {
    const fake = new Fake()
    fakes.push(fake)
    return fake as unknown as Client
  }))
  return { ...made, scope }
}

beforeEach(() => {
  vi.useFakeTimers()
  fakes = []
  signIn('k')
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a tail', () => {
  it('goes to where the page is from', () => {
    expect(String(socketAddress('http://h:8011/#/try'))).toBe('ws://h:8011/v2')
    expect(String(socketAddress('https://h/mq/?a#/try'))).toBe('wss://h/mq/v2')
  })
  it('only listens without a group: nothing waits for an answer', async () => {
    const { begin, rows, count, waiting, state } = tail()
    begin({ topic: 'a.>' })
    expect(fakes[0]!.options).toEqual({ ack: 'none' })
    fakes[0]!.tell({ state: 'open' })
    expect(state.value).toEqual({ state: 'open' })
    fakes[0]!.handler(told('1'))
    fakes[0]!.handler(told('2'))
    await vi.advanceTimersByTimeAsync(200)
    expect(rows.value.map((row) => row.message.code)).toEqual(['2', '1'])
    expect([count.value, waiting.value]).toEqual([2, 0])
  })
  it('keeps the last ones, and counts all', async () => {
    const { begin, rows, count } = tail()
    begin({ topic: 'a' })
    for (let n = 0; n < 5_000; n++) fakes[0]!.handler(told(String(n)))
    await vi.advanceTimersByTimeAsync(200)
    expect([rows.value.length, rows.value[0]!.message.code, count.value]).toEqual([200, '4999', 5_000])
  })
  it('keeps still while it is held, and shows what became of what is there', async () => {
    const { begin, rows, count, unseen, hold, ack } = tail()
    void begin({ topic: 'a', group: 'g' })
    void fakes[0]!.handler(told('1'))
    await vi.advanceTimersByTimeAsync(200)
    hold(true)
    void fakes[0]!.handler(told('2'))
    await vi.advanceTimersByTimeAsync(200)
    expect([rows.value.map((row) => row.message.code), unseen.value, count.value]).toEqual([['1'], 1, 2])
    ack(rows.value[0]!)
    expect([rows.value.map((row) => row.fate), unseen.value]).toEqual([['acked'], 1])
    hold(false)
    expect([rows.value.map((row) => row.message.code), unseen.value]).toEqual([['2', '1'], 0])
  })
  it('has the broker asked whether it is there when the connection is lost', () => {
    const { begin, state } = tail()
    void begin({ topic: 'a' })
    fakes[0]!.tell({ state: 'waiting', retryIn: 1, reason: 'lost' })
    expect([state.value?.state, gone.value]).toEqual(['waiting', true])
    answered()
  })
  it('says in the broker’s words why there is no connection, in no English of its own', async () => {
    const sockets: Socket[] = []
    class Socket {
      onclose?: (event: object) => void
      constructor () { sockets.push(this) }
      close () {}
    }
    const { made, scope } = within(() => useTail((url, options) => connect(url, { ...options, WebSocket: Socket as never, connectTimeout: 1, random: () => 1 })))
    broker(nobody)
    void made.begin({ topic: 'a' })
    const why = async (end: () => unknown): Promise<unknown[]> => {
      await end()
      const told = [made.state.value?.state, made.reason.value]
      await vi.advanceTimersByTimeAsync(made.state.value!.retryIn! * 1_000)
      return told
    }
    expect(await why(() => sockets.at(-1)!.onclose!({ code: 1001, reason: 'the node stops' }))).toEqual(['waiting', 'the node stops'])
    expect(await why(() => sockets.at(-1)!.onclose!({ code: 1006, reason: '' }))).toEqual(['waiting', ''])
    expect(await why(() => vi.advanceTimersByTimeAsync(1_000))).toEqual(['waiting', '']) // no welcome
    scope.stop()
    answered()
  })
  it('says when the broker has it', async () => {
    const { begin, end } = tail()
    expect(await begin({ topic: 'a' })).toBe(true)
    const given = begin({ topic: 'b' })
    end()
    expect(await given).toBe(false)
  })
  it('has a member’s messages wait for what he says', async () => {
    const { begin, rows, waiting, ack, nack } = tail()
    begin({ topic: 'a', group: 'g', start: 'all', credit: 3 })
    expect(fakes[0]!.options).toEqual({ group: 'g', start: 'all', credit: 3, concurrency: 3 })
    const [one, two] = [told('1'), told('2')]
    const ended: string[] = []
    for (const message of [one, two]) void (fakes[0]!.handler(message) as Promise<void>).then(() => ended.push(message.code))
    await vi.advanceTimersByTimeAsync(200)
    expect([waiting.value, ended]).toEqual([2, []])
    const [second, first] = rows.value
    ack(first!)
    nack(second!, { delay: 1, reason: 'no' })
    await settle()
    expect(ended).toEqual(['1', '2'])
    expect(one.nack).not.toHaveBeenCalled()
    expect(two.nack).toHaveBeenCalledWith({ delay: 1, reason: 'no' })
    expect(rows.value.map((row) => row.fate)).toEqual(['nacked', 'acked'])
  })
  it('acknowledges nothing by ending', async () => {
    const { begin, end, rows, running } = tail()
    begin({ topic: 'a', group: 'g' })
    let ended = false
    void (fakes[0]!.handler(told('1')) as Promise<void>).then(() => { ended = true })
    end()
    await settle()
    expect([ended, fakes[0]!.closedWith, running.value, rows.value]).toEqual([false, { timeout: 0 }, false, []])
  })
  it('says why it is over, and signs out with a wrong key', async () => {
    const { begin, fault, running } = tail()
    begin({ topic: 'a', group: 'g' })
    fakes[0]!.over(new KapokError('gone', 'the group was deleted'))
    await settle()
    expect([fault.value?.code, running.value, key.value]).toEqual(['gone', false, 'k'])
    begin({ topic: 'a' })
    expect(fault.value).toBeUndefined()
    fakes[1]!.over(new KapokError('unauthorized', 'wrong key'))
    await settle()
    expect(key.value).toBeNull()
  })
  it('hears nothing any more of what it has left, and ends with the page', async () => {
    const { begin, state, scope } = tail()
    begin({ topic: 'a' })
    begin({ topic: 'b' })
    fakes[0]!.tell({ state: 'waiting' })
    fakes[0]!.over(new KapokError('gone', 'gone'))
    await settle()
    expect(state.value).toEqual({ state: 'connecting' })
    scope.stop()
    expect(fakes[1]!.closedWith).toEqual({ timeout: 0 })
  })
})
