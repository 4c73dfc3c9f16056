/** A KapokMQ client for pages, and for Node with a WebSocket. See docs/browser.md. Times are in seconds. */

export type Start = 'new' | 'all' | { time: number }
export type State = 'connecting' | 'open' | 'waiting' | 'closing' | 'closed'

/** What a WebSocket is made with: the browser's, Node's own (22 and newer), or that of the package `ws`. */
export type WebSocketClass = new (url: string, protocols?: string | string[]) => {
  onopen: unknown
  onmessage: unknown
  onclose: unknown
  onerror: unknown
  send (text: string): void
  close (code?: number, reason?: string): void
}

export interface Options {
  /** The node's secretKey. */
  key?: string
  /** What people see of this client. */
  name?: string
  /** What publishes are numbered under; drawn at random if left out. */
  session?: string
  /** If left out, `globalThis.WebSocket`. */
  WebSocket?: WebSocketClass
  /** How long the broker has for its welcome; 10. */
  connectTimeout?: number
  /** How many publishes may be without an answer; 10,000. */
  maxPending?: number
  /** And how many characters of JSON, from which on none is taken; 32 Mi. */
  maxPendingCharacters?: number
  /** After half as long a silence the broker is asked for a sign, and given up if none comes for so long; 0 never; 30. */
  pulse?: number
  /** How often the leases of messages that are here are renewed; 0 never; 20. */
  touchEvery?: number
  /** The first wait before a reconnect is up to `first`, each further one up to twice that, `most` at most; 0.2 and 15. */
  backoff?: { first?: number, most?: number }
  /** Gives numbers from 0 up to 1. */
  random?: () => number
}

export interface PublishOptions {
  /** Due in so many seconds. */
  delay?: number
  /** Or at that time, unix seconds. */
  at?: number
  /** Worth nothing so many seconds after it is due. */
  expire?: number
  /** Stored once within the topic's window. */
  key?: string
  headers?: Record<string, string>
  /** Ask for more than the node promises. */
  durable?: boolean | 'fsync'
}

export interface Published {
  /** The message's, or if it is a duplicate that of what stands for it. */
  code: string
  duplicate: boolean
  durable: 'memory' | 'interval' | 'fsync'
  /** It had been stored when it was sent again. */
  resent: boolean
}

export interface PublishedMany {
  codes: string[]
  /** Indexes. */
  duplicates?: number[]
  durable: 'memory' | 'interval' | 'fsync'
  resent?: true
}

export interface SubscribeOptions {
  /** Without one the subscription gets everything from now on, and nothing of what comes while it is not connected. */
  group?: string
  /** How many messages may be here unacknowledged, 0 to 100,000; 100. With `ack: 'none'`: that are not done here. */
  credit?: number
  start?: Start
  /** It owes no acks, and loses what is on its way when the connection ends. */
  ack?: 'none'
  /** How many handlers may be at work at a time; 1. */
  concurrency?: number
}

export type Handler = (message: Message) => unknown

/** `code` is one of those in docs/protocol-v2.md, or 'backlog', 'closed', 'handler' or 'unusable'. */
export class KapokError extends Error {
  constructor (code: string, message: string, more?: object)
  readonly code: string
  /** Which message of a publish is at fault. */
  readonly index?: number
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number
}

export class Message {
  readonly code: string
  readonly topic: string
  readonly data: string
  /** Unix seconds. */
  readonly createTime: number
  /** Which delivery to this group this is, from 1 on. */
  readonly attempt: number
  readonly key?: string
  readonly headers: Record<string, string>
  /** The data, read as JSON. Throws SyntaxError. */
  json (): any
  ack (): void
  nack (how?: { delay?: number, reason?: string }): void
  touch (): void
}

export class Subscription {
  readonly id: number
  readonly topic: string
  readonly group?: string
  readonly over: boolean
  /** How many messages are here, or with a handler. */
  readonly held: number
  /** The broker has it. Rejected with a KapokError if it refuses. */
  readonly ready: Promise<Subscription>
  /** It is over: why, or null after close(). */
  readonly ended: Promise<KapokError | null>
  pause (): void
  resume (): void
  setCredit (count: number): void
  close (): Promise<void>
}

export interface StateDetail {
  state: State
  /** Where to, when connecting. */
  url?: string
  /** The node's name, when open. */
  node?: string
  /** Why, when waiting or closed. */
  reason?: string
  /** Seconds until the next attempt, when waiting. */
  retryIn?: number
  /** What ended it, when closed. */
  error?: KapokError | null
}

export class KapokEvent<T> extends Event {
  readonly detail: T
}

export interface Events {
  state: KapokEvent<StateDetail>
  error: KapokEvent<KapokError>
  /** The node stops; the client goes elsewhere. */
  drain: KapokEvent<string>
}

export class Client extends EventTarget {
  readonly state: State
  readonly session: string
  /** The last `welcome`, null before the first. */
  readonly node: Record<string, any> | null
  /** How many publishes are without an answer, sent or not. */
  readonly pending: number
  /** Resolves with null after close(), or with what ended it. */
  readonly closed: Promise<KapokError | null>
  publish (topic: string, data: unknown, options?: PublishOptions): Promise<Published>
  publishMany (
    topic: string,
    messages: Array<{ data: unknown } & Omit<PublishOptions, 'durable'>>,
    options?: Pick<PublishOptions, 'durable'>
  ): Promise<PublishedMany>
  room (): Promise<void>
  subscribe (topic: string, handler: Handler, options?: SubscribeOptions): Subscription
  close (options?: { timeout?: number }): Promise<void>
  addEventListener<K extends keyof Events> (type: K, listener: (event: Events[K]) => void, options?: boolean | AddEventListenerOptions): void
  addEventListener (type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void
}

/** To `ws://host:port` or `wss://…`, with `/v2` if no path is named; of several to the next after each failure. */
export function connect (url: string | URL | Array<string | URL>, options?: Options): Client
