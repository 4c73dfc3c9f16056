/** What comes of a topic, over v2: only listened to, or as a member of a group who is asked for each message. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { connect, type Client, type KapokError, type Message, type StateDetail } from '@/client/kapokmq.js'
import { broken } from '@/api/link'
import { key, signOut } from '@/api/session'

export interface Wanted {
  topic: string
  /** Without one it only listens. */
  group?: string
  start?: 'new' | 'all'
  /** How many may be here unacknowledged. */
  credit?: number
}

export type Fate = 'passing' | 'open' | 'acked' | 'nacked'

export interface Row {
  serial: number
  message: Message
  fate: Fate
}

type Open = (url: URL, options: { key: string, name: string }) => Client

const MOST = 200 // rows that are shown, but for those that are open
const PAUSE = 100 // milliseconds between two looks at what has come
const NAME = 'console'

/** What the client itself says of a connection that was lost, in English. */
const OWN = /^(the connection was closed \(\d+\)|no welcome within |nothing was heard for )/

/** Where v2 is spoken by whoever gave this page. */
export function socketAddress (page: string): URL {
  const url = new URL('v2', page)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.hash = url.search = ''
  return url
}

/** A tail, which ends with the page. */
export function useTail (open: Open = connect) {
  const state = ref<StateDetail>()
  const rows = shallowRef<readonly Row[]>([])
  const count = ref(0)
  /** Whether somebody reads or answers the list: what comes then waits to be shown. */
  const held = ref(false)
  const unseen = ref(0)
  const fault = shallowRef<KapokError>()
  const wanted = shallowRef<Wanted>()
  const done = new Map<Row, () => void>() // what lets a handler end
  let client: Client | undefined
  let kept: Row[] = []
  let came = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Why there is no connection, in the broker's words: the client's own would say no more than that there is none. */
  const reason = computed(() => {
    const told = state.value?.reason ?? ''
    return OWN.test(told) ? '' : told
  })
  const running = computed(() => wanted.value !== undefined)
  const waiting = computed(() => rows.value.filter((row) => row.fate === 'open').length)

  /** Begin; resolves once the broker has it, with whether it has. */
  function begin (asked: Wanted): Promise<boolean> {
    end()
    forget()
    fault.value = undefined
    wanted.value = asked
    const mine = client = open(socketAddress(document.baseURI), { key: key.value ?? '', name: NAME })
    mine.addEventListener('state', ({ detail }) => {
      if (client !== mine) return
      state.value = detail
      if (detail.state === 'waiting') broken() // or the node only has enough of this connection: it will be asked
    })
    mine.addEventListener('error', ({ detail }) => { if (client === mine) fault.value = detail })
    state.value = { state: mine.state }
    const { topic, group, start = 'new', credit = 10 } = asked
    const subscription = group === undefined
      ? mine.subscribe(topic, (message) => { take(message, 'passing') }, { ack: 'none' })
      : mine.subscribe(topic, (message) => new Promise<void>((resolve) => { done.set(take(message, 'open'), resolve) }),
          { group, start, credit, concurrency: credit })
    void subscription.ended.then((why) => { if (client === mine) over(why) })
    return subscription.ready.then(() => {
      if (client === mine) fault.value = undefined
      return client === mine
    }, () => false)
  }

  /** Leave; what is not acknowledged goes to others. */
  function end (): void {
    const mine = client
    client = undefined
    wanted.value = state.value = undefined
    // Nobody will be asked about these any more: they must not count as acknowledged, so their handlers never end.
    done.clear()
    kept = kept.filter((row) => row.fate !== 'open')
    held.value = false
    show()
    void mine?.close({ timeout: 0 })
  }

  function over (why: KapokError | null): void {
    end()
    if (why === null) return
    fault.value = why
    if (why.code === 'unauthorized') signOut('refused')
  }

  function take (message: Message, fate: Fate): Row {
    const row: Row = { serial: came++, message, fate }
    kept.push(row)
    if (kept.length > 2 * MOST) kept = trimmed()
    timer ??= setTimeout(show, PAUSE)
    return row
  }

  /** The open ones, and the last of the others. */
  function trimmed (): Row[] {
    let others = kept.filter((row) => row.fate !== 'open').length
    return kept.filter((row) => row.fate === 'open' || others-- <= MOST)
  }

  function show (): void {
    clearTimeout(timer)
    timer = undefined
    kept = trimmed()
    count.value = came
    const now = [...kept].reverse()
    if (!held.value || rows.value.length === 0) {
      rows.value = now
      unseen.value = 0
      return
    }
    // What is shown stays where it is; only what becomes of it is shown.
    const last = rows.value[0]!.serial
    const fates = new Map(now.map((row) => [row.serial, row]))
    rows.value = rows.value.map((row) => fates.get(row.serial) ?? row)
    unseen.value = now.filter((row) => row.serial > last).length
  }

  /** Keep the list as it is, or let it go on. */
  function hold (is: boolean): void {
    if (held.value === is) return
    held.value = is
    if (!is) show()
  }

  /** It is done. */
  function ack (row: Row): void {
    settle(row, 'acked')
  }

  /** It was not done, and comes again. */
  function nack (row: Row, how: { delay?: number, reason?: string } = {}): void {
    row.message.nack(how)
    settle(row, 'nacked')
  }

  function settle (row: Row, fate: Fate): void {
    const finish = done.get(row)
    if (finish === undefined) return
    done.delete(row)
    const now = { ...row, fate }
    kept = kept.map((one) => (one === row ? now : one))
    finish() // an ack, unless it was given back
    show()
  }

  /** Take what is settled off the list. */
  function forget (): void {
    held.value = false
    kept = kept.filter((row) => row.fate === 'open')
    came = kept.length
    show()
  }

  onScopeDispose(() => {
    end()
    clearTimeout(timer)
  })
  return { state, reason, rows, count, unseen, fault, wanted, running, waiting, begin, end, ack, nack, forget, hold }
}
