import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, ref, type App } from 'vue'
import { Gone } from '@/api'
import { broken, look } from '@/api/link'
import ConfirmByName from '@/components/ConfirmByName.vue'
import FormDialog from '@/components/FormDialog.vue'
import GoneBanner from '@/components/GoneBanner.vue'
import Notices from '@/components/Notices.vue'
import { i18n, show } from '@/i18n'
import { complain, notices, say } from '@/notices'
import { BLANK } from '@/pages/messages/messages'
import MessagesFilter from '@/pages/messages/MessagesFilter.vue'
import { broker, json } from './support'

let app: App | undefined

beforeEach(() => {
  vi.useFakeTimers()
  broker(() => json({ topics: [], cursor: null }))
})
afterEach(async () => {
  app?.unmount()
  document.body.replaceChildren()
  notices.value = []
  await look()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const settled = async (): Promise<void> => { for (let turn = 0; turn < 10; turn++) await nextTick() }
async function mount (draw: () => unknown): Promise<void> {
  await show('en')
  app = createApp({ render: draw as never }).use(i18n)
  app.mount(document.body.appendChild(document.createElement('main')))
  await settled()
}
const KINDS = [ConfirmByName, FormDialog] as const

describe('a dialog', () => {
  it('closes when somebody goes back', async () => {
    for (const kind of KINDS) {
      const open = ref(true)
      const run = vi.fn(() => Promise.resolve())
      await mount(() => (open.value ? h(kind, { title: 'x', action: 'x', run, onClose: () => { open.value = false } }) : null))
      expect(document.querySelector('dialog')).not.toBeNull()
      dispatchEvent(new PopStateEvent('popstate'))
      await settled()
      expect([document.querySelector('dialog'), run.mock.calls.length]).toEqual([null, 0])
      app!.unmount()
    }
  })
  it('says in passing how it went when somebody has gone back meanwhile', async () => {
    const open = ref(true)
    let fail = (_: Error): void => undefined
    const run = (): Promise<void> => new Promise((_, reject) => { fail = reject })
    await mount(() => (open.value ? h(ConfirmByName, { title: 'x', action: 'x', run, onClose: () => { open.value = false } }) : null))
    document.querySelector('form')!.requestSubmit()
    dispatchEvent(new PopStateEvent('popstate'))
    await settled()
    fail(new Gone('nobody answers'))
    await settled()
    expect(notices.value.map((one) => one.text)).toEqual(['The node does not answer. It may have been done, or not.'])
  })
  it('has the word that the broker is away within it, which else is on the page', async () => {
    const open = ref(false)
    await mount(() => [h(GoneBanner), open.value ? h(FormDialog, { title: 'x', action: 'x', run: () => Promise.resolve(), onClose: () => { open.value = false } }) : null])
    broken()
    await settled()
    const within = (): boolean | undefined => document.querySelector('.gone')?.closest('dialog') !== null
    expect(within()).toBe(false)
    open.value = true
    await settled()
    expect([within(), document.querySelectorAll('.gone').length]).toEqual([true, 1])
    document.querySelector<HTMLElement>('dialog .gone button')!.click()
    await vi.advanceTimersByTimeAsync(0)
    await settled()
    expect(document.querySelector('.gone')).toBeNull()
    broken()
    await settled()
    open.value = false
    await settled()
    expect([within(), document.querySelectorAll('main .gone').length]).toEqual([false, 1])
  })
  it('has what is said in passing within it, where alone it is seen and can be dismissed', async () => {
    const open = ref(true)
    await mount(() => [h(Notices), open.value ? h(FormDialog, { title: 'x', action: 'x', run: () => Promise.resolve(), onClose: () => { open.value = false } }) : null])
    say('copied')
    complain(new Gone('nobody answers'))
    await settled()
    expect(document.querySelectorAll('dialog .notices p').length).toBe(2)
    document.querySelector<HTMLElement>('dialog .notices p.bad button')!.click()
    await settled()
    expect([document.querySelectorAll('dialog .notices p').length, open.value]).toEqual([1, true])
    open.value = false
    await settled()
    expect(document.querySelector('main > .notices')?.textContent).toContain('copied')
  })
  it('is not sent before the name is typed', async () => {
    const run = vi.fn(() => Promise.resolve())
    await mount(() => h(ConfirmByName, { title: 'x', action: 'x', name: 'orders', run }))
    const [form, field, button] = [document.querySelector('form')!, document.querySelector('input')!, document.querySelector<HTMLButtonElement>('button.main')!]
    expect([button.disabled, button.classList.contains('bad')]).toEqual([true, true])
    form.requestSubmit()
    await settled()
    expect(run).not.toHaveBeenCalled()
    field.value = 'orders'
    field.dispatchEvent(new Event('input'))
    await settled()
    expect(button.disabled).toBe(false)
    form.requestSubmit()
    await settled()
    expect(run).toHaveBeenCalledOnce()
  })
})

describe('the search of messages', () => {
  it('keeps what is typed while the address changes in something else', async () => {
    const form = ref({ ...BLANK })
    await mount(() => h(MessagesFilter, { form: form.value }))
    const field = document.querySelector<HTMLInputElement>('input[type=search]')!
    field.value = 'half a word'
    field.dispatchEvent(new Event('input'))
    form.value = { ...BLANK } // a row was opened
    await settled()
    expect(field.value).toBe('half a word')
    form.value = { ...BLANK, text: 'another' }
    await settled()
    expect(field.value).toBe('another')
  })
})
