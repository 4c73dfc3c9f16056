/** The node itself, what a key may do, and what is wrong with a request. */

/** `reason` says what is in its way, empty where nothing is. */
export interface NodeView {
  name: string
  version: string
  ready: boolean
  reason: string
}

export interface SettingView {
  path: string
  value: unknown
  default: unknown
  source: string
}

export interface ConfigView {
  settings: SettingView[]
}

export type Right = 'read' | 'publish' | 'consume' | 'steer'

/** What the key may do. */
export interface KeyView {
  rights: Right[]
}

export interface Fault {
  code: string
  message: string
  retryAfter?: number
  index?: number
}
