/** What the page of settings makes of what the broker goes by. */
import type { SettingView } from '@/api'

/** What stands for a secret. */
export const MASK = '***'

/** Keys whose number is seconds, or bytes: docs/configuration.md says so, the API does not. */
const SECONDS = new Set([
  'mq.pushMessagesSpeed', 'mq.pushRetryTime', 'mq.persistentTime', 'mq.checkSpeed', 'mq.cleanTime', 'mq.loginTime', 'mq.backoff', 'mq.backoffMax',
  'mq.ackWait', 'mq.dedupWindow', 'mq.drainTime', 'cluster.gossip.probeInterval', 'cluster.gossip.probeTimeout', 'cluster.gossip.gossipInterval',
  'cluster.gossip.gossipToTheDeadTime', 'cluster.gossip.pushPullInterval', 'cluster.gossip.tcpTimeout', 'cluster.gossip.deadNodeReclaimTime',
  'cluster.gossip.reconnectInterval', 'cluster.gossip.reconnectTimeout',
])
const BYTES = new Set(['mq.memoryBudget', 'mq.maxMessageBytes'])

/** What a key's number counts, where people read it better in other units. */
export const unit = (path: string): 'seconds' | 'bytes' | undefined =>
  SECONDS.has(path) ? 'seconds' : BYTES.has(path) ? 'bytes' : undefined

export interface Section {
  name: string
  settings: SettingView[]
}

/** The settings by section, in the broker's order: `cluster.gossip` is one of its own. */
export function sections (settings: readonly SettingView[]): Section[] {
  const found = new Map<string, SettingView[]>()
  for (const one of settings) {
    const name = section(one.path)
    found.set(name, [...found.get(name) ?? [], one])
  }
  return [...found].map(([name, those]) => ({ name, settings: those }))
}

function section (path: string): string {
  const parts = path.split('.')
  return path.startsWith('cluster.gossip.') ? 'cluster.gossip' : parts[0]!
}

/** The variable of the environment that overrides a key; none where only the file can give it. */
export function variable (path: string): string | undefined {
  const [first, ...rest] = path.split('.')
  return rest.length === 0 ? undefined : `KAPOKMQ_${first}_${rest.join('')}`.toUpperCase()
}

/** How a value is to be shown: as it is written in the file, or as what stands for nothing. */
export type Shown = { kind: 'none' | 'empty' | 'secret' } | { kind: 'text' | 'block', text: string }

/** Show it. A secret never came here, but for its mask. */
export function shown (value: unknown): Shown {
  if (value === null || value === undefined) return { kind: 'none' }
  if (value === MASK || (Array.isArray(value) && value.length > 0 && value.every((one) => one === MASK))) return { kind: 'secret' }
  if (value === '') return { kind: 'empty' }
  if (typeof value === 'object') {
    if (Object.keys(value).length === 0) return { kind: 'empty' }
    return Array.isArray(value) && value.every((one) => typeof one !== 'object')
      ? { kind: 'text', text: value.join(', ') }
      : { kind: 'block', text: JSON.stringify(value, null, 2) }
  }
  return { kind: 'text', text: String(value) }
}

/** Whether somebody gave it. */
export const given = (setting: SettingView): boolean => setting.source !== 'default'
