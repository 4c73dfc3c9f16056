/**
 * Server-sent events over fetch, because EventSource can't send the key in a header. What breaks off is taken up again:
 * at once where the broker is there, else as soon as it is back. While nobody sees the tab there is no stream.
 */
import { Gone, isAbort, Refused } from './errors'
import { wait } from './backoff'
import { send } from './http'
import { broken, here } from './link'
import { hidden, until } from './sight'

export interface ServerEvent {
  event: string
  data: string
  id: string
}

/** Cut a stream of text into events. Comments, and fields that nobody needs, are passed over. */
export class EventCutter {
  private rest = ''
  private event = ''
  private data: string[] = []
  private id = ''

  /** Take what has come, and give the events that are whole now. */
  take (text: string): ServerEvent[] {
    // A CR at the end may be the first half of a CRLF: it is kept until the other half, or something else, is there.
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.line(line) ?? [])
  }

  private line (line: string): ServerEvent | undefined {
    if (line === '') return this.end()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') this.event = value
    else if (name === 'data') this.data.push(value)
    else if (name === 'id') this.id = value
    return undefined
  }

  private end (): ServerEvent | undefined {
    const whole = { event: this.event || 'message', data: this.data.join('\n'), id: this.id }
    const told = this.data.length > 0
    this.event = ''
    this.data = []
    return told ? whole : undefined
  }
}

export interface Watch {
  /** For each event. */
  on: (event: ServerEvent) => void
  /** Each time the stream begins, and each time it is interrupted. */
  live?: (is: boolean) => void
  /** For a refusal that trying again does not mend; the watch is over then. */
  refused?: (error: Refused) => void
  signal: AbortSignal
}

const PATIENCE = 45_000 // milliseconds of silence; the broker writes a comment every 15 seconds
const FOR_GOOD = 500 // refusals below this status stay

/** Watch an address until the signal says that it is enough. Resolves then, or when it was refused for good. */
export async function watch (url: string, { on, live, refused, signal }: Watch): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await until(() => !hidden.value, signal)
    if (signal.aborted) return
    let left = false
    try {
      left = await read(url, signal, on, () => { attempt = 0; live?.(true) })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Refused && error.status < FOR_GOOD) {
        live?.(false)
        refused?.(error)
        return
      }
      if (!(error instanceof Refused || error instanceof Gone)) throw error
    }
    if (signal.aborted) return
    live?.(false)
    if (left) continue
    await here(signal)
    await sleep(wait(attempt), signal)
  }
}

/** Read until the stream ends. Gives whether that is because nobody sees the tab any more. */
async function read (url: string, signal: AbortSignal, on: Watch['on'], begun: () => void): Promise<boolean> {
  const silence = new AbortController()
  const left = new AbortController()
  const over = new AbortController()
  const both = AbortSignal.any([signal, silence.signal, left.signal])
  const alarm = { timer: setTimeout(() => silence.abort(), PATIENCE) }
  void until(() => hidden.value, over.signal).then(() => left.abort())
  try {
    const answer = await send('GET', url, { signal: both })
    begun()
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    const cutter = new EventCutter()
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => lost(error, signal, left.signal))
      if (done) return false
      clearTimeout(alarm.timer)
      alarm.timer = setTimeout(() => silence.abort(), PATIENCE)
      for (const event of cutter.take(value)) on(event)
    }
  } catch (error) {
    if (left.signal.aborted) return true
    throw isAbort(error) ? lost(error, signal) : error
  } finally {
    over.abort()
    clearTimeout(alarm.timer)
  }
}

/** Tell a stream that broke off, or fell silent, from one that nobody wants any more, or now. Throws either. */
function lost (error: unknown, ...enough: AbortSignal[]): never {
  if (enough.some((signal) => signal.aborted) || error instanceof Gone) throw error
  broken()
  throw new Gone('the stream broke off', { cause: error })
}

function sleep (milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
