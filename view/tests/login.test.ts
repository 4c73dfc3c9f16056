import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, type App as Page } from 'vue'
import { look } from '@/api/link'
import { key, signOut } from '@/api/session'
import { i18n, show } from '@/i18n'
import LoginPage from '@/pages/login/LoginPage.vue'
import { router } from '@/router'
import { broker, json, nobody, settle } from './support'

let page: Page

beforeEach(async () => {
  await show('en')
  vi.useFakeTimers()
  page = createApp(LoginPage).use(i18n).use(router)
  page.mount(document.body.appendChild(document.createElement('main')))
})
afterEach(async () => {
  page.unmount()
  document.body.replaceChildren()
  broker(() => json({}))
  await look()
  signOut()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const said = (role: string): string | undefined => document.querySelector(`[role=${role}]`)?.textContent ?? undefined

async function shows (typed: string): Promise<void> {
  const field = document.querySelector<HTMLInputElement>('#key')!
  field.value = typed
  field.dispatchEvent(new Event('input'))
  document.querySelector('form')!.requestSubmit()
  await settle()
}

describe('signing in', () => {
  it('keeps a key that is right', async () => {
    const asked = broker(() => json({ rights: ['read'] }))
    await shows('right')
    expect([asked[0]!.url, asked[0]!.headers.get('secretKey'), key.value]).toEqual(['api/v1/key', 'right', 'right'])
  })
  it('says that a key is wrong, and for how long wrong ones are answered late', async () => {
    broker(() => json({ error: { code: 'unauthorized', message: '', retryAfter: 2.5 } }, 401))
    await shows('guess')
    expect([key.value, said('alert')]).toEqual([null, 'The key is wrong.'])
    expect(said('timer')).toMatch(/ 3\ss/)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(said('timer')).toMatch(/ 2\ss/)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(said('timer')).toBeUndefined()
  })
  it('takes the right key also meanwhile', async () => {
    broker(() => json({ error: { code: 'unauthorized', message: '', retryAfter: 30 } }, 401))
    await shows('guess')
    broker(() => json({ rights: [] }))
    await shows('right')
    expect(key.value).toBe('right')
  })
  it('says that nobody answers', async () => {
    broker(nobody)
    await shows('right')
    expect([key.value, said('alert')]).toEqual([null, 'The node does not answer'])
  })
})
