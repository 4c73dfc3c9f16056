/** The data layer, as pages use it. */
export { clients, dead, groups, messages, node, schedule, topics, type Page, type Search } from './broker'
export { Gone, Refused } from './errors'
export { useList, type Chunk, type Listed } from './list'
export { watchCounts, watchTopic, type Live } from './live'
export { useLoad, type Loaded, type Phase } from './load'
export { Rates } from './rates'
export { may } from './rights'
export type * from './types'
