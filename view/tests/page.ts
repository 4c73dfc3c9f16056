/** Pages of the console as somebody sees them, of a broker that a test writes down. */
import { vi } from 'vitest'
import { createApp, h, nextTick, type App } from 'vue'
import { RouterView } from 'vue-router'
import { learn } from '@/api/rights'
import { signIn } from '@/api/session'
import { i18n, show } from '@/i18n'
import { router } from '@/router'
import { broker, json, Stream, type Answer, type Asked } from './support'

const ALL_RIGHTS = { rights: ['read', 'publish', 'consume', 'steer'] }

/** Open a page of the console, of the broker that is there, for somebody who may do everything. */
export async function open (path: string): Promise<App> {
  await show('en')
  await learn('k')
  signIn('k')
  await router.push(path)
  const app = createApp({ render: () => h(RouterView) }).use(i18n).use(router)
  app.mount(document.body.appendChild(document.createElement('main')))
  await drawn()
  return app
}

/** Let all be answered and drawn that needs no time. */
export async function drawn (): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(0)
    else await new Promise((resolve) => { setTimeout(resolve, 0) })
    await nextTick()
  }
}

/** The button that is called so, within the last dialog that is open, or else on the page. */
export function button (name: string): HTMLButtonElement {
  const all = [...document.querySelectorAll<HTMLButtonElement>('button')].filter((one) => one.textContent!.trim() === name)
  return all.findLast((one) => one.closest('dialog') !== null) ?? all[0]!
}

/** Type into a field. */
export function type (field: Element | null, text: string): void {
  (field as HTMLInputElement).value = text
  field!.dispatchEvent(new Event('input'))
}

/** What of the API was asked. */
export const path = (one: Asked): string => decodeURIComponent(one.url.split('?')[0]!.replace('api/v1/', ''))
/** A broker that answers these by their paths, and tells nothing by itself. */
export function answers (by: Record<string, (asked: Asked) => unknown>): Asked[] {
  const answer: Answer = async (one) => {
    if (one.url.includes('events/')) return new Stream().until(one.signal)
    if (path(one) === 'key') return json(ALL_RIGHTS)
    const found = await by[`${one.method} ${path(one)}`]?.(one)
    return found instanceof Response ? found : json(found ?? { error: { code: 'notFound', message: '' } }, found === undefined ? 404 : 200)
  }
  return broker(answer)
}
/** An answer that comes when it is let. */
export function later<T> (value: T): { wait: () => Promise<T>, come: () => void } {
  let come = (): void => undefined
  const is = new Promise<void>((resolve) => { come = resolve })
  return { wait: async () => { await is; return value }, come: () => come() }
}
/** What the rows of all tables say. */
export const rows = (): string[] => [...document.querySelectorAll('tr.line')].map((row) => row.textContent!.replaceAll(/\s+/g, ' ').trim())
export const asks = (asked: readonly Asked[], what: string): number => asked.filter((one) => path(one) === what).length
export const message = (code: string, more: object = {}) => ({ code, topic: 't', data: `text of ${code}`, status: 'dead', createTime: 1_795_262_000, ...more })
