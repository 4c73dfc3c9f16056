/** Work on many messages, as a page shows it: how far it is, that it can be stopped, how it ended. */
import { computed, onScopeDispose, reactive, type ComputedRef } from 'vue'

/** Does it: `on` is told how many more are done, `stop` is asked before each step. */
export type Steps = (on: (count: number) => void, stop: () => boolean) => Promise<void>

export type Verb = 'send' | 'discard' | 'remove'

export interface Work {
  state: 'idle' | 'running' | 'done' | 'stopped' | 'failed'
  verb: Verb
  done: number
  /** How many there were to be; undefined where nobody knows. */
  total: number | undefined
  /** Why it failed. */
  fault: Error | undefined
}

export interface Working {
  work: Work
  running: ComputedRef<boolean>
  /** Resolves when it has ended, however. */
  start: (verb: Verb, total: number | undefined, steps: Steps) => Promise<void>
  stop: () => void
  dismiss: () => void
}

/** One task at a time. It stops with the page that began it: what was done by then stays done. */
export function useWork (): Working {
  const work = reactive<Work>({ state: 'idle', verb: 'send', done: 0, total: undefined, fault: undefined })
  let stopped = false

  async function start (verb: Verb, total: number | undefined, steps: Steps): Promise<void> {
    if (work.state === 'running') return
    stopped = false
    Object.assign(work, { state: 'running', verb, done: 0, total, fault: undefined })
    try {
      await steps((count) => { work.done += count }, () => stopped)
      work.state = stopped ? 'stopped' : 'done'
    } catch (error) {
      stopped = true // those who work beside the one that failed end too
      work.state = 'failed'
      work.fault = error as Error
    }
  }

  const stop = (): void => { stopped = true }
  onScopeDispose(stop)
  return { work, running: computed(() => work.state === 'running'), start, stop, dismiss: () => { work.state = 'idle' } }
}

const ABREAST = 8 // that are dealt with one by one, at the same time

/** Deal with each, some at the same time. */
export async function abreast<T> (all: readonly T[], work: (one: T) => Promise<unknown>, stop: () => boolean): Promise<void> {
  const left = [...all].reverse()
  const worker = async (): Promise<void> => {
    while (left.length > 0 && !stop()) await work(left.pop()!)
  }
  await Promise.all(Array.from({ length: ABREAST }, worker))
}
