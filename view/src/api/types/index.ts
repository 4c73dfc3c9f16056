/**
 * What the API tells, under the names of docs/api.md and of `GET /api/v1/openapi.json`: a test of the broker compares
 * the fields. Times are unix seconds with a fraction, waits are seconds, sizes are bytes.
 */
export type * from './messages'
export type * from './topics'
export type * from './dead'
export type * from './clients'
export type * from './now'
export type * from './node'
