/** Ask the broker: JSON out and in, the key in a header, refusals and silence as errors. */
import { heard } from './clock'
import { Gone, isAbort, refusal } from './errors'
import { answered, broken } from './link'
import { key, signOut } from './session'

export type Query = Record<string, string | number | readonly string[] | null | undefined>

export interface Ask {
  query?: Query
  body?: unknown
  signal?: AbortSignal | undefined
  /** Instead of the key that is signed in with. */
  key?: string
}

const API = 'api/v1/'
const REFUSED = 401
const AWAY = new Set([502, 504]) // what a proxy says of a broker that is not there

/** Write an address below the API. Each part is one segment, whatever is in it. */
export function address (parts: readonly (string | number)[], query: Query = {}): string {
  const path = API + parts.map((part) => encodeURIComponent(part)).join('/')
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  return search.size > 0 ? `${path}?${search}` : path
}

/** Ask, and give the answer once its head is there. Rejects with Refused, Gone, or an abort. */
export async function send (method: string, url: string, ask: Ask = {}): Promise<Response> {
  const headers = new Headers()
  const shown = ask.key ?? key.value
  if (shown !== null) headers.set('secretKey', encoded(shown))
  if (ask.body !== undefined) headers.set('Content-Type', 'application/json')
  let answer: Response
  const asked = Date.now()
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: ask.body === undefined ? null : JSON.stringify(ask.body),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: ask.signal ?? null,
    })
  } catch (error) {
    if (isAbort(error)) throw error
    broken()
    throw new Gone('nobody answers', { cause: error })
  }
  if (AWAY.has(answer.status)) {
    broken()
    throw new Gone(`HTTP ${answer.status}`)
  }
  heard(answer.headers.get('Date'), asked, Date.now())
  answered()
  if (answer.ok) return answer
  const refused = refusal(answer.status, await answer.json().catch(() => null), answer.headers.get('Retry-After'))
  if (refused.status === REFUSED && ask.key === undefined && shown === key.value) signOut('refused')
  throw refused
}

/** Ask, and give what the answer's JSON says. */
export async function request<T> (method: string, parts: readonly (string | number)[], ask: Ask = {}): Promise<T> {
  const answer = await send(method, address(parts, ask.query), ask)
  return await whole(answer.json() as Promise<T>)
}

/** Wait for a body. That it breaks off means the same as that nobody answers. */
export async function whole<T> (body: Promise<T>): Promise<T> {
  try {
    return await body
  } catch (error) {
    if (isAbort(error)) throw error
    broken()
    throw new Gone('the answer broke off', { cause: error })
  }
}

/** A header holds bytes: a key in other letters goes as its UTF-8, byte by byte. */
function encoded (text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}
