/** All topics and groups, read again as the broker's counts go. */
import { everything, groups, topics, useClock, useLoad, type GroupView, type Live, type Loaded, type TopicView } from '@/api'
import { byTopic, came, done, groupId, Movements, SLACK } from './topics'

const PAGE = 1_000

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
