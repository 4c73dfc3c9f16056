import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import type { MemberView } from '@/api'
import { look } from '@/api/link'
import { router } from '@/router'
import { kept } from '@/pages/try/try'
import { answers, asks, button, drawn, later, message, open, path, rows, type } from './page'
import { broker, json, nobody, put, type Asked } from './support'

let app: App
beforeEach(() => { vi.useFakeTimers({ now: 1_795_262_400_000 }) })
afterEach(async () => {
  app.unmount()
  document.body.replaceChildren()
  put('visible')
  broker(() => json({}))
  await look()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const GROUP = { topic: 't', name: 'g', mode: 'queue', config: {}, effective: {}, mark: 0, next: 9, lag: 0, inFlight: 0, dead: 2, members: 1, oldest: null }

describe('the page of dead letters', () => {
  it('discards none that came after it asked', async () => {
    const letters = ['a', 'b'].map((code, at) => ({ message: message(code), group: 'g', at: 1_795_262_100.5 + at, attempts: 1, reason: 'r' }))
    const asked = answers({
      'GET groups': () => ({ groups: [GROUP], cursor: null }),
      'GET topics/t/groups/g/dead': () => ({ dead: letters, cursor: null }),
      'POST topics/t/groups/g/dead/purge': () => ({ count: 2, cursor: null }),
    })
    app = await open('/dead?topic=t&group=g')
    button('Discard all').click()
    await drawn()
    await vi.advanceTimersByTimeAsync(30_000)
    type(document.querySelector('dialog input'), 'g')
    await drawn()
    document.querySelector<HTMLFormElement>('dialog form')!.requestSubmit()
    await drawn()
    expect(asked.find((one) => path(one).endsWith('purge'))!.body).toMatchObject({ filter: { before: 1_795_262_101.501 } })
  })
})

describe('the page for trying out', () => {
  it('publishes what was there when it was told to', async () => {
    const asked = answers({
      'GET topics': () => ({ topics: [], cursor: null }),
      'POST topics/first/messages': () => ({ codes: ['c1'], duplicates: [], durable: 'disk' }),
    })
    vi.stubGlobal('WebSocket', class { close () {} }) // the live tail waits for it
    app = await open('/try')
    type(document.querySelector('#try-topic'), 'first')
    type(document.querySelector('#try-data'), 'one')
    await drawn()
    document.querySelector('form')!.requestSubmit()
    await drawn()
    type(document.querySelector('#try-topic'), 'second')
    type(document.querySelector('#try-data'), 'two')
    await vi.advanceTimersByTimeAsync(2_000)
    await drawn()
    expect(asked.filter((one) => one.method === 'POST').map((one) => [path(one), JSON.stringify(one.body)])).toEqual([
      ['topics/first/messages', expect.stringContaining('"one"')],
    ])
    expect([kept.sent[0]!.topic, kept.form.topic]).toEqual(['first', 'second'])
  })
})

describe('the page of a topic', () => {
  const counts = { all: 0, consumed: 0, delayed: 0, waiting: 0, inFlight: 0, dead: 0, bytes: 0 }
  const member = (number: number): MemberView => ({
    label: 'w', number, address: `10.0.0.${number}`, since: 5, topic: 't', group: 'g', credit: 5, inFlight: 0, delivered: 0, acked: 0,
  })
  const topic = (more: Record<string, (asked: Asked) => unknown> = {}) => answers({
    'GET counts': () => ({ ...counts, figures: {}, topics: [{ topic: 't', ...counts }] }),
    'GET topics/t': () => ({ name: 't', counts, policy: {}, effective: { retention: 'queue' }, groups: ['g'] }),
    'GET topics/t/groups': () => ({ groups: [GROUP], cursor: null }),
    'GET counts/hours': () => ({ hours: [] }),
    'GET config': () => ({ settings: [] }),
    'POST topics/t/pause': () => ({}),
    'GET topics': () => ({ topics: [], cursor: null }),
    'GET groups': () => ({ groups: [], cursor: null }),
    'GET clients': () => ({ clients: [], members: [], cursor: null }),
    ...more,
  })
  it('does not pull back whoever leaves when a group was made', async () => {
    const slow = later({ groups: [GROUP], cursor: null })
    let made = false
    topic({
      'POST topics/t/groups': () => { made = true; return GROUP },
      'GET topics/t/groups': () => (made ? slow.wait() : { groups: [], cursor: null }),
    })
    app = await open('/topics/t')
    button('New group').click()
    await drawn()
    type(document.querySelector('dialog input'), 'g')
    document.querySelector<HTMLFormElement>('dialog form')!.requestSubmit()
    await drawn()
    expect(made).toBe(true)
    await router.push('/settings')
    slow.come()
    await drawn()
    expect(router.currentRoute.value.fullPath).toBe('/settings')
  })
  it('opens the group that was made where nobody has left', async () => {
    topic({ 'POST topics/t/groups': () => GROUP })
    app = await open('/topics/t')
    button('New group').click()
    await drawn()
    type(document.querySelector('dialog input'), 'g')
    document.querySelector<HTMLFormElement>('dialog form')!.requestSubmit()
    await drawn()
    expect(router.currentRoute.value.fullPath).toBe('/topics/t?group=g')
  })
  it('does not pull away whoever leaves while it is deleted', async () => {
    const slow = later({})
    const asked = topic({ 'DELETE topics/t': () => slow.wait() })
    app = await open('/topics') // that page has come once, and would be there at once
    await router.push('/topics/t')
    await drawn()
    button('Delete').click()
    await drawn()
    type(document.querySelector('dialog input'), 't')
    await drawn()
    document.querySelector<HTMLFormElement>('dialog form')!.requestSubmit()
    await drawn()
    await router.push('/settings')
    slow.come()
    await drawn()
    expect([asks(asked, 'topics/t'), router.currentRoute.value.fullPath]).toEqual([2, '/settings'])
  })
  it('shows each consumer of a group once when one leaves under a mouse', async () => {
    let members = [member(1), member(2), member(3)]
    const asked = topic({ 'GET clients': () => ({ clients: [], members, cursor: null }) })
    app = await open('/topics/t?group=g')
    const those = (): string[] => rows().filter((row) => row.includes('10.0.0.')).map((row) => /10\.0\.0\.\d/.exec(row)![0])
    expect(those()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    await vi.advanceTimersByTimeAsync(5_000)
    document.querySelector('#topic-group')!.closest('section')!.querySelector('.region')!.dispatchEvent(new Event('pointermove'))
    members = members.slice(1)
    button('Pause').click() // all is read again
    await drawn()
    expect(those()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    expect(asks(asked, 'clients')).toBe(2)
  })
})

describe('the page of what is scheduled', () => {
  it('counts nothing again while the broker is away, or nobody looks', async () => {
    const calm: Record<string, () => unknown> = {
      'GET schedule': () => ({ messages: [], cursor: null }), 'GET schedule/counts': () => ({ counts: [] }), 'GET topics': () => ({ topics: [], cursor: null }),
    }
    const asked = answers(calm)
    app = await open('/scheduled?step=minute')
    const first = asks(asked, 'schedule/counts')
    put('hidden')
    await vi.advanceTimersByTimeAsync(7_200_000)
    expect(asks(asked, 'schedule/counts')).toBe(first)
    put('visible')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asks(asked, 'schedule/counts')).toBeGreaterThan(first)
    const none = broker(nobody)
    await vi.advanceTimersByTimeAsync(7_200_000)
    expect(asks(none, 'schedule/counts')).toBeLessThan(5)
  })
})

describe('the page of clients', () => {
  it('goes on looking after a refusal', async () => {
    let busy = false
    const asked = answers({
      'GET clients': () => (busy ? json({ error: { code: 'busy', message: '' } }, 503) : { clients: [], members: [], cursor: null }),
      'GET groups': () => ({ groups: [], cursor: null }),
    })
    app = await open('/clients')
    busy = true
    await vi.advanceTimersByTimeAsync(4_000)
    const before = asks(asked, 'clients')
    busy = false
    await vi.advanceTimersByTimeAsync(7_000)
    expect(asks(asked, 'clients')).toBeGreaterThan(before)
    expect(document.querySelector('[role=alert]')).toBeNull()
  })
})

it('of clients have no rates over a time in which nobody looked', async () => {
  const one = { number: 1, kind: 'v2', id: 'w', topic: '', address: '10.0.0.1', joinTime: 5, session: 's', published: 0, subscriptions: [] }
  const member = { label: 'w', number: 1, address: '10.0.0.1', since: 5, topic: 't', group: 'g', credit: 5, inFlight: 0, delivered: 0, acked: 0 }
  answers({
    'GET clients': () => ({ clients: [{ ...one, published: Date.now() }], members: [{ ...member, acked: Date.now() }], cursor: null }),
    'GET groups': () => ({ groups: [GROUP], cursor: null }),
  })
  app = await open('/clients')
  const rates = (): boolean[] => [...rows().map((row) => row.includes('/s')), document.body.textContent!.includes('measuring')]
  await vi.advanceTimersByTimeAsync(4_000)
  expect(rates()).toEqual([true, true, false])
  put('hidden')
  await vi.advanceTimersByTimeAsync(60_000)
  put('visible')
  await vi.advanceTimersByTimeAsync(3_000)
  expect(rates()).toEqual([false, false, true])
  await vi.advanceTimersByTimeAsync(3_000)
  expect(rates()).toEqual([true, true, false])
})

describe('deleting all messages that are found', () => {
  it('says in words what is searched for', async () => {
    answers({
      'GET topics': () => ({ topics: [], cursor: null }),
      'GET messages': () => ({ messages: [message('a')], cursor: null }),
    })
    app = await open('/messages?topic=t&status=dead&from=1795262000&to=1795262060')
    button('Delete all that match…').click()
    await drawn()
    const said = [...document.querySelectorAll('dialog li')].map((one) => one.textContent!.trim())
    expect(said.slice(0, 2)).toEqual(['Topic t', 'Status Dead'])
    expect(said.slice(2).join()).toMatch(/^From .*:53:20.*,To, included .*:54:20/)
  })
})
