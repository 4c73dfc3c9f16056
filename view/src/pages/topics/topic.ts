/** One topic: its counts, groups, policy and rates, read again as its counts go. */
import { computed, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import {
  brokerNow, everything, groups, mark, node, Rates, Refused, topics, useLoad, type CountsView, type HourView, type Loaded, type TopicView,
} from '@/api'
import { restWhileAway, useRounds } from './rounds'
import { done, groupId, groupRows, hourly, Movements, SLACK, sumHours, type GroupRow } from './topics'

const HOUR = 3_600
const DAY = 24 // hours
const SELDOM = 3 // after so many rounds the hours, which the rates are of, are asked for with one in so many
const STALE = 9_000 // milliseconds after which the policy is read again: somebody may have changed it
const FLOWS = [['published', 'tree'], ['delivered', 'blue']] as const

/** How fast it flows in or out: `series` oldest first, `now` per second; undefined before there are two readings. */
export interface Flow {
  name: (typeof FLOWS)[number][0]
  tone: (typeof FLOWS)[number][1]
  series: number[]
  now: number | undefined
}

export interface Known {
  shown: TopicView
  rows: GroupRow[]
  rates: Flow[]
  /** How many were published in each of the last hours. */
  day: number[]
  /** Whether there are more groups than are read. */
  more: boolean
}

export interface Told {
  known: Loaded<Known>
  /** Whether there is no such topic. */
  missing: ComputedRef<boolean>
  /** As they were told last. */
  counts: Ref<CountsView | undefined>
  live: Ref<boolean>
}

class Missing extends Error {}

/** What there is to tell of a topic. The groups are asked for with each round, what changes seldom is not. */
export function useTopic (name: () => string): Told {
  const since = Math.floor(brokerNow() / HOUR - DAY + 1) * HOUR
  const counts = shallowRef<CountsView>()
  let rates = new Rates(FLOWS.map(([flow]) => flow))
  let moves = new Movements(SLACK)
  let there = false // whether the topic was there when it was last told of
  let seen: { shown: TopicView, at: number, hours: HourView[], rounds: number } | undefined // what not each round asks for
  let brief = false

  watch(name, () => {
    rates = new Rates(FLOWS.map(([flow]) => flow))
    moves = new Movements(SLACK)
    there = false
    seen = undefined
    counts.value = undefined
  }, { flush: 'sync' })

  const known = useLoad(async (signal): Promise<Known> => {
    const topic = name()
    const last = brief ? seen : undefined
    brief = false
    // A browser's console complains of each 404, so it is first asked for what says nothing of a topic that is not there.
    if (!there && (await node.counts([topic], signal)).topics.length === 0) throw new Missing()
    const rounds = (last?.rounds ?? -1) + 1
    const policed = last !== undefined && performance.now() - last.at < STALE
    const shown = policed ? last.shown : await topics.show(topic, signal)
    const at = policed ? last.at : performance.now()
    there = true
    const measured = last === undefined || rounds < SELDOM || rounds % SELDOM === 0
    const [all, hours] = await Promise.all([
      everything(async (cursor) => {
        const page = await groups.of(topic, { limit: 1_000, cursor }, signal)
        return { rows: page.groups, cursor: page.cursor }
      }),
      measured ? node.hours({ topic, from: since }, signal).then((told) => told.hours) : last.hours,
    ])
    signal.throwIfAborted()
    if (!policed) counts.value = shown.counts
    seen = { shown, at, hours, rounds }
    const now = performance.now() / 1_000
    if (measured) rates.take({ at: now, totals: sumHours(hours) })
    moves.take(now, all.rows.map((one) => [groupId(topic, one.name), done(one, (counts.value ?? shown.counts).delayed)]))
    const flows = FLOWS.map(([flow, tone]) => ({ name: flow, tone, series: rates.series(flow), now: rates.lately(flow, 1) }))
    return { shown, rows: groupRows(all.rows, moves, brokerNow()), rates: flows, day: hourly(hours, brokerNow(), DAY), more: all.more }
  }, name)

  const missing = computed(() => known.error.value instanceof Missing || (known.error.value instanceof Refused && known.error.value.status === 404))

  const { live } = useRounds(known, {
    names: () => [name()],
    rows: () => known.data.value?.rows.length ?? 0,
    told: (now, asked) => {
      if (!asked.includes(name())) return // of the one that was shown before
      counts.value = now.topics.find((one) => one.topic === name())
      there = counts.value !== undefined
      if (!there) seen = undefined
    },
    wanted: () => there || !missing.value,
    // What keeps no messages has no counts to go by.
    mark: (now) => JSON.stringify(counts.value) + (seen?.shown.effective.retention === 'none' ? mark(now) : ''),
    again: () => {
      brief = true
      void known.reload()
    },
  })

  restWhileAway(live, () => {
    rates.rest()
    moves.rest()
    seen = undefined // the next round measures
  })

  return { known, missing, counts, live }
}
