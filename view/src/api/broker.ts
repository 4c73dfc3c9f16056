/** Everything that the API does, typed. Names of topics and groups go in as they are. */
import { request, type Ask, type Query } from './http'
import type * as t from './types'

type Signal = AbortSignal | undefined

/** Where a list goes on, and how much of it. */
export type Page = { limit?: number, cursor?: string | null }

export type Search = Page & {
  topic?: string
  status?: t.Status | 'any'
  from?: number
  to?: number
  text?: string
  key?: string
  header?: string
}

const get = <T>(parts: (string | number)[], query: Query = {}, signal?: Signal): Promise<T> =>
  request<T>('GET', parts, { query, signal })
const post = <T>(parts: (string | number)[], body?: unknown): Promise<T> => request<T>('POST', parts, { body })
const put = <T>(parts: (string | number)[], body: unknown): Promise<T> => request<T>('PUT', parts, { body })
const remove = <T>(parts: (string | number)[]): Promise<T> => request<T>('DELETE', parts)

/** The node. `key` may be asked of one that is not signed in with yet. */
export const node = {
  show: (ask: Ask = {}) => request<t.NodeView>('GET', ['node'], ask),
  key: (ask: Ask = {}) => request<t.KeyView>('GET', ['key'], ask),
  config: (signal?: Signal) => get<t.ConfigView>(['config'], {}, signal),
  counts: (topic: readonly string[] = [], signal?: Signal) => get<t.NowView>(['counts'], { topic }, signal),
  hours: (query: { topic?: string, from?: number, to?: number } = {}, signal?: Signal) =>
    get<t.HoursView>(['counts', 'hours'], query, signal),
  /** The last hour. */
  minutes: (signal?: Signal) => get<t.MinutesView>(['counts', 'minutes'], {}, signal),
}

export const topics = {
  list: (page: Page = {}, signal?: Signal) => get<t.TopicsView>(['topics'], page, signal),
  show: (topic: string, signal?: Signal) => get<t.TopicView>(['topics', topic], {}, signal),
  create: (name: string, policy: t.TopicPolicy = {}) => post<t.TopicView>(['topics'], { name, policy }),
  change: (topic: string, policy: t.TopicPolicy) => put<t.TopicView>(['topics', topic], policy),
  remove: (topic: string) => remove<t.Result>(['topics', topic]),
  purge: (topic: string) => post<t.CountView>(['topics', topic, 'purge']),
  pause: (topic: string) => post<t.TopicView>(['topics', topic, 'pause']),
  resume: (topic: string) => post<t.TopicView>(['topics', topic, 'resume']),
}

export const groups = {
  all: (page: Page = {}, signal?: Signal) => get<t.GroupsView>(['groups'], page, signal),
  patterns: (page: Page = {}, signal?: Signal) => get<t.PatternsView>(['patterns'], page, signal),
  of: (topic: string, page: Page = {}, signal?: Signal) => get<t.GroupsView>(['topics', topic, 'groups'], page, signal),
  show: (topic: string, group: string, signal?: Signal) =>
    get<t.GroupView | t.PatternView>(['topics', topic, 'groups', group], {}, signal),
  create: (topic: string, group: { name: string, start?: 'new' | 'all' | { time: number }, config?: t.GroupConfig }) =>
    post<t.GroupView | t.PatternView>(['topics', topic, 'groups'], group),
  change: (topic: string, group: string, config: t.GroupConfig) =>
    put<t.GroupView | t.PatternView>(['topics', topic, 'groups', group], config),
  remove: (topic: string, group: string) => remove<t.Result>(['topics', topic, 'groups', group]),
  purge: (topic: string, group: string) => post<t.CountView>(['topics', topic, 'groups', group, 'purge']),
  pause: (topic: string, group: string) => post<t.GroupView>(['topics', topic, 'groups', group, 'pause']),
  resume: (topic: string, group: string) => post<t.GroupView>(['topics', topic, 'groups', group, 'resume']),
}

export const messages = {
  search: (search: Search, signal?: Signal) => get<t.MessagesPage>(['messages'], search, signal),
  life: (code: string, signal?: Signal) => get<t.LifeView>(['messages', code], {}, signal),
  remove: (code: string) => remove<t.Result>(['messages', code]),
  removeMany: (codes: readonly string[]) => post<t.CountView>(['messages', 'delete'], { codes }),
  publish: (topic: string, message: t.Full & { durable?: boolean | 'fsync' }) =>
    post<t.Published>(['topics', topic, 'messages'], message),
}

export const schedule = {
  /** What is delayed, the next first; from a time on, if one is given. */
  list: (query: Page & { topic?: string, from?: number } = {}, signal?: Signal) => get<t.MessagesPage>(['schedule'], query, signal),
  show: (code: string, signal?: Signal) => get<t.MessageView>(['schedule', code], {}, signal),
  /** How many come due in each step of so many seconds; steps with none are left out. */
  counts: (query: { from: number, to: number, step: number, topic?: string }, signal?: Signal) =>
    get<t.CalendarView>(['schedule', 'counts'], query, signal),
  cancel: (code: string) => remove<t.Result>(['schedule', code]),
  reschedule: (code: string, due: { at: number } | { delay: number }) =>
    post<t.Result>(['schedule', code, 'reschedule'], due),
  promote: (code: string) => post<t.Result>(['schedule', code, 'promote']),
}

const letters = (topic: string, group: string, ...more: string[]): string[] => ['topics', topic, 'groups', group, 'dead', ...more]

export const dead = {
  list: (topic: string, group: string, query: Page & t.Which = {}, signal?: Signal) =>
    get<t.DeadPage>(letters(topic, group), { ...query }, signal),
  send: (topic: string, group: string, code: string) => post<t.Result>(letters(topic, group, code, 'send')),
  remove: (topic: string, group: string, code: string) => remove<t.Result>(letters(topic, group, code)),
  sendMany: (topic: string, group: string, bulk: t.Bulk) => post<t.DoneView>(letters(topic, group, 'send'), bulk),
  removeMany: (topic: string, group: string, bulk: t.Bulk) => post<t.DoneView>(letters(topic, group, 'purge'), bulk),
}

export const clients = {
  /** With a topic or a group only the members that consume there, and no connections. */
  list: (page: Page & { topic?: string, group?: string } = {}, signal?: Signal) => get<t.ClientsView>(['clients'], page, signal),
  close: (number: number) => post<t.Result>(['clients', number, 'close']),
}
