import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import { look } from '@/api/link'
import { router } from '@/router'
import { answers, asks, button, drawn, later, message, open, rows } from './page'
import { broker, json, type Asked } from './support'

let app: App
beforeEach(() => { vi.useFakeTimers({ now: 1_795_262_400_000 }) })
afterEach(async () => {
  app.unmount()
  document.body.replaceChildren()
  broker(() => json({}))
  await look()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const life = (code: string, status = 'dead') => ({
  message: message(code, { status }),
  groups: [{ group: 'g', state: status === 'dead' ? 'dead' : 'waiting', attempts: 1, since: null, until: null, holders: [], events: [] }],
})

describe('a message in its drawer', () => {
  const search = (more: Record<string, (asked: Asked) => unknown> = {}) => answers({
    'GET messages': () => ({ messages: [message('m1'), message('m2')], cursor: null }),
    'GET messages/m1': () => life('m1'),
    'GET messages/m2': () => life('m2'),
    'GET topics': () => ({ topics: [], cursor: null }),
    ...more,
  })
  const SEND = 'POST topics/t/groups/g/dead/m1/send'
  const drawer = (): string => document.querySelector('dialog.drawer')?.textContent ?? ''
  it('that was dealt with has its new status on the page, too', async () => {
    let status = 'dead'
    search({ [SEND]: () => { status = 'waiting'; return { result: 'done' } }, 'GET messages/m1': () => life('m1', status) })
    app = await open('/messages?message=m1')
    button('Send again').click()
    await drawn()
    expect(drawer()).toContain('It is sent again.')
    expect(rows().map((row) => /Dead|Waiting/i.exec(row)![0].toLowerCase())).toEqual(['waiting', 'dead'])
  })
  it('says nothing of another one', async () => {
    const slow = later({ result: 'done' })
    search({ [SEND]: () => slow.wait() })
    app = await open('/messages?message=m1')
    button('Send again').click()
    await router.replace('/messages?message=m2')
    await drawn()
    slow.come()
    await drawn()
    expect([drawer().includes('text of m2'), drawer().includes('It is sent again.')]).toEqual([true, false])
  })
  it('says nothing of another one that it was discarded', async () => {
    const slow = later({})
    search({ 'DELETE topics/t/groups/g/dead/m1': () => slow.wait() })
    app = await open('/messages?message=m1')
    document.querySelector<HTMLElement>('dialog .group button.bad')!.click()
    await drawn()
    document.querySelector<HTMLFormElement>('dialog dialog form')!.requestSubmit()
    await router.replace('/messages?message=m2')
    await drawn()
    slow.come()
    await drawn()
    expect([drawer().includes('text of m2'), document.querySelector('dialog .told')!.textContent]).toEqual([true, ''])
  })
  it('does not close another one when it is deleted', async () => {
    const slow = later({})
    search({ 'DELETE messages/m1': () => slow.wait() })
    app = await open('/messages?message=m1')
    button('Delete').click()
    await drawn()
    document.querySelector<HTMLFormElement>('dialog dialog form')!.requestSubmit()
    await router.replace('/messages?message=m2')
    await drawn()
    slow.come()
    await drawn()
    expect([router.currentRoute.value.query['message'], drawer().includes('text of m2')]).toEqual(['m2', true])
  })
  it('takes the keyboard from nobody while it is read again, or sent', async () => {
    const [slow, sent] = [later(life('m1')), later({ result: 'done' })]
    let reads = 0
    const asked = search({ 'GET messages/m1': () => (reads++ === 0 ? life('m1') : slow.wait()), [SEND]: () => sent.wait() })
    app = await open('/messages?message=m1')
    const states = (one: HTMLButtonElement) => [one.disabled, one.getAttribute('aria-disabled')]
    const refresh = [...document.querySelectorAll<HTMLButtonElement>('dialog header button')].find((one) => one.textContent === 'Refresh')!
    refresh.click()
    await drawn()
    expect(states(refresh)).toEqual([false, 'true'])
    refresh.click()
    await drawn()
    expect(asks(asked, 'messages/m1')).toBe(2)
    slow.come()
    await drawn()
    const again = button('Send again')
    again.click()
    await drawn()
    expect(states(again)).toEqual([false, 'true'])
    again.click()
    sent.come()
    await drawn()
    expect(asks(asked, 'topics/t/groups/g/dead/m1/send')).toBe(1)
  })
})
