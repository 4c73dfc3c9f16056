/** All topics and groups, read again as the broker's counts go. */
import { computed, shallowRef, type ComputedRef, type Ref } from 'vue'
import {
  brokerNow, everything, groups, mark, topics, useLoad, type GroupView, type Live, type Loaded, type NowView, type TopicCountsView, type TopicView,
} from '@/api'
import { nameable, restWhileAway, useRounds } from './rounds'
import { byTopic, came, done, groupId, Movements, SLACK } from './topics'

const PAGE = 1_000
const STALE = 9_000 // milliseconds after which topics are read again although their counts are told: a policy may have changed

export interface Known {
  topics: TopicView[]
  groups: GroupView[]
  /** Whether there are more topics, or groups, than are read. */
  more: boolean
}

export interface All extends Live {
  known: Loaded<Known>
  /** The topics that are known, with their counts as they were told last. */
  counted: ComputedRef<TopicView[]>
  /** When anything was told last, unix seconds of the broker. */
  at: Ref<number>
  came: Movements
  done: Movements
}

/** All topics and groups, and how fast they move. Where there are many topics, the counts of those in `sight` are told more often. */
export function useTopics (sight: () => readonly string[] = () => [], wanted: () => boolean = () => true): All {
  const [into, out] = [new Movements(), new Movements(SLACK)]
  const told = shallowRef<ReadonlyMap<string, TopicCountsView>>(new Map())
  const at = shallowRef(brokerNow())
  let listed: { rows: TopicView[], more: boolean } | undefined
  let read = 0 // when, by performance.now()
  let skip = false

  const known = useLoad(async (signal) => {
    const kept = skip ? listed : undefined
    skip = false
    const [some, all] = await Promise.all([kept ?? everything(async (cursor) => {
      const page = await topics.list({ limit: PAGE, cursor }, signal)
      return { rows: page.topics, cursor: page.cursor }
    }), everything(async (cursor) => {
      const page = await groups.all({ limit: PAGE, cursor }, signal)
      return { rows: page.groups, cursor: page.cursor }
    })])
    if (!signal.aborted && some !== listed) {
      listed = some
      read = performance.now()
      told.value = new Map()
    }
    const rows = some.rows.map(fresh)
    const now = performance.now() / 1_000
    const of = byTopic(all.rows)
    into.take(now, rows.map((topic) => [topic.name, came(topic, of.get(topic.name) ?? [])]))
    const delayed = new Map(rows.map((topic) => [topic.name, topic.counts.delayed]))
    out.take(now, all.rows.map((group) => [groupId(group.topic, group.name), done(group, delayed.get(group.topic) ?? 0)]))
    at.value = brokerNow()
    return { topics: some.rows, groups: all.rows, more: some.more || all.more }
  })
  const fresh = (topic: TopicView): TopicView => {
    const counts = told.value.get(topic.name)
    return counts === undefined ? topic : { ...topic, counts }
  }
  const names = (): readonly string[] | undefined => {
    const all = known.data.value?.topics.map((topic) => topic.name)
    return all === undefined || nameable(all).length === all.length ? all : sight()
  }

  const live = useRounds(known, {
    names,
    wanted,
    mark,
    rows: () => (known.data.value === undefined ? 0 : known.data.value.topics.length + known.data.value.groups.length),
    told: (now) => {
      told.value = new Map([...told.value, ...now.topics.map((one) => [one.topic, one] as const)])
      at.value = brokerNow()
    },
    again: (now) => {
      skip = listed !== undefined && tellsAll(now, listed.rows) && performance.now() - read < STALE
      void known.reload()
    },
  })
  restWhileAway(live.live, () => {
    into.rest()
    out.rest()
  })
  return { known, counted: computed(() => (known.data.value?.topics ?? []).map(fresh)), at, came: into, done: out, ...live }
}

/** Whether an event tells of all topics that there are, as far as it shows. */
export function tellsAll (now: NowView, topics: readonly TopicView[]): boolean {
  const names = new Set(topics.map((topic) => topic.name))
  return now.topics.length === names.size && now.topics.every((one) => names.has(one.topic))
    && now.topics.reduce((sum, one) => sum + one.all, 0) === now.all
}
