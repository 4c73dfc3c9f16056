/** A broker for tests: what it answers is written down, what it was asked is kept. */
import { vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'

export interface Asked {
  method: string
  url: string
  headers: Headers
  body: unknown
  signal: AbortSignal | null | undefined
}

export type Answer = (asked: Asked) => Response | Promise<Response>

/** Answer every `fetch` from here on. */
export function broker (answer: Answer): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    init.signal?.throwIfAborted()
    const one = {
      method: init.method ?? 'GET',
      url,
      headers: new Headers(init.headers),
      body: init.body ? JSON.parse(init.body as string) as unknown : undefined,
      signal: init.signal,
    }
    asked.push(one)
    return await answer(one)
  })
  return asked
}

export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } })

/** Nobody listens. */
export const nobody: Answer = () => { throw new TypeError('Failed to fetch') }

/** A body of server-sent events that the test writes. */
export class Stream {
  private controller!: ReadableStreamDefaultController<Uint8Array>
  readonly response = new Response(new ReadableStream<Uint8Array>({ start: (controller) => { this.controller = controller } }))

  write (text: string): void {
    this.controller.enqueue(new TextEncoder().encode(text))
  }

  /** The body, which breaks off when the one who asked has enough, as a browser's does. */
  until (signal: AbortSignal | null | undefined): Response {
    signal?.addEventListener('abort', () => this.controller.error(signal.reason))
    return this.response
  }

  end (): void {
    this.controller.close()
  }

  breakOff (): void {
    this.controller.error(new TypeError('network error'))
  }
}

/** Run what a page's setup would. */
export function within<T> (setup: () => T): { made: T, scope: EffectScope } {
  const scope = effectScope()
  return { made: scope.run(setup)!, scope }
}

/** Let everything that is due happen, without time passing. */
export async function settle (): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await vi.advanceTimersByTimeAsync(0)
}

/** Put the tab behind others, or before them. */
export function put (state: 'visible' | 'hidden'): void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
  document.dispatchEvent(new Event('visibilitychange'))
}
