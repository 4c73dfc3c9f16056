/**
 * What the key may do. Today there is one key and it may do everything; pages ask all the same, so that nothing but this
 * file changes when there are keys that may do less.
 */
export type Right = 'read' | 'publish' | 'consume' | 'steer'

/** Whether a page should offer it. */
export function may (_right: Right): boolean {
  return true
}
