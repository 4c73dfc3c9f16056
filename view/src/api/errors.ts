/** What can go wrong with asking the broker: it refuses, or it is not there. */
import type { Fault } from './types'

/** The broker refused. `code` is the API's name for it, `retryAfter` is in seconds. */
export class Refused extends Error {
  readonly code: string
  readonly retryAfter: number | undefined
  readonly index: number | undefined

  constructor (readonly status: number, fault: Fault, readonly result?: string) {
    super(fault.message)
    this.name = 'Refused'
    this.code = fault.code
    this.retryAfter = fault.retryAfter
    this.index = fault.index
  }
}

/** Nobody answered, or not as the broker does. */
export class Gone extends Error {
  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Gone'
  }
}

/** Whether the page that asked has lost interest. */
export function isAbort (error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** Read a refusal's body, whatever it is. An answer to HEAD has none, but may say `after` how many seconds to try again. */
export function refusal (status: number, body: unknown, after: string | null = null): Refused {
  if (typeof body === 'object' && body !== null && 'error' in body) {
    const { error, result } = body as { error: Fault | string, result?: string }
    // The operators' routes say only what is wrong.
    const fault = typeof error === 'string' ? { code: 'unavailable', message: error } : error
    return new Refused(status, fault, result)
  }
  const seconds = after === null ? NaN : Number(after)
  return new Refused(status, { code: 'internal', message: `HTTP ${status}`, ...(seconds >= 0 ? { retryAfter: seconds } : {}) })
}
