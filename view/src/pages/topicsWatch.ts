/** The broker's counts as a clock: what no event tells is read again when something has happened, and now and then. */
import { groups, topics, useLoad, watchCounts, type GroupView, type Live, type Loaded, type TopicView } from '@/api'
import { came, done, groupId, mark, byTopic, Movements, SLACK } from './topics'

const EVERY = 2 // seconds
const IDLE = 5 // events after which it is read again although nothing has happened: somebody may have come or gone
const SHARE = 10 // it rests this many times as long as reading took, so that a broker of many topics is not kept busy
const PAGE = 1_000
const PAGES = 10

/** Read `loaded` again as the broker's counts go, while it is wanted. */
export function useClock (loaded: Loaded<unknown>, wanted: () => boolean = () => true): Live {
  let seen = ''
  let idle = 0
  let rest = 0 // until then, by performance.now()
  return watchCounts((now) => {
    const fresh = mark(now)
    if (document.hidden || !wanted() || loaded.busy.value || performance.now() < rest) return
    if (fresh === seen && ++idle < IDLE) return
    seen = fresh
    idle = 0
    const begun = performance.now()
    void loaded.reload().then(() => { rest = performance.now() + SHARE * (performance.now() - begun) - EVERY * 1_000 / 2 })
  }, { every: EVERY })
}

export interface Known {
  topics: TopicView[]
  groups: GroupView[]
  /** Whether there are more topics, or groups, than are read. */
  more: boolean
  /** When that was told, unix seconds. */
  at: number
}

/** All topics and groups, and how fast they move. */
export function useTopics (): { known: Loaded<Known>, came: Movements, done: Movements } & Live {
  const [into, out] = [new Movements(), new Movements(SLACK)]
  const known = useLoad(async (signal) => {
    const [listed, all] = await Promise.all([
      everything(async (cursor) => {
        const page = await topics.list({ limit: PAGE, cursor }, signal)
        return { rows: page.topics, cursor: page.cursor }
      }),
      everything(async (cursor) => {
        const page = await groups.all({ limit: PAGE, cursor }, signal)
        return { rows: page.groups, cursor: page.cursor }
      }),
    ])
    const at = performance.now() / 1_000
    const of = byTopic(all.rows)
    into.take(at, listed.rows.map((topic) => [topic.name, came(topic, of.get(topic.name) ?? [])]))
    const delayed = new Map(listed.rows.map((topic) => [topic.name, topic.counts.delayed]))
    out.take(at, all.rows.map((group) => [groupId(group.topic, group.name), done(group, delayed.get(group.topic) ?? 0)]))
    return { topics: listed.rows, groups: all.rows, more: listed.more || all.more, at: Date.now() / 1_000 }
  })
  return { known, came: into, done: out, ...useClock(known) }
}

/** Go from page to page, so far. */
export async function everything<T> (ask: (cursor: string | null) => Promise<{ rows: T[], cursor: string | null }>): Promise<{ rows: T[], more: boolean }> {
  const rows: T[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < PAGES; pages++) {
    const page = await ask(cursor)
    rows.push(...page.rows)
    cursor = page.cursor
    if (cursor === null) break
  }
  return { rows, more: cursor !== null }
}
