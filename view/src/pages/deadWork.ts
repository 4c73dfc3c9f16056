/** A task under way, as a page shows it: how far it is, that it can be stopped, how it ended. */
import { computed, onScopeDispose, reactive, type ComputedRef } from 'vue'
import { carryOut, type Task } from './dead'

export interface Work {
  state: 'idle' | 'running' | 'done' | 'stopped' | 'failed'
  verb: Task['verb']
  done: number
  /** How many there were to be; undefined where nobody knows. */
  total: number | undefined
  /** Why it failed. */
  fault: Error | undefined
}

export interface Working {
  work: Work
  running: ComputedRef<boolean>
  start: (task: Task, total: number | undefined) => Promise<void>
  stop: () => void
  dismiss: () => void
}

/** One task at a time. It stops with the page that began it: what was sent by then stays sent. */
export function useWork (): Working {
  const work = reactive<Work>({ state: 'idle', verb: 'send', done: 0, total: undefined, fault: undefined })
  let stopped = false

  async function start (task: Task, total: number | undefined): Promise<void> {
    if (work.state === 'running') return
    stopped = false
    Object.assign(work, { state: 'running', verb: task.verb, done: 0, total, fault: undefined })
    try {
      await carryOut(task, (count) => { work.done += count }, () => stopped)
      work.state = stopped ? 'stopped' : 'done'
    } catch (error) {
      stopped = true // the others of `each` end too
      work.state = 'failed'
      work.fault = error as Error
    }
  }

  const stop = (): void => { stopped = true }
  onScopeDispose(stop)
  return { work, running: computed(() => work.state === 'running'), start, stop, dismiss: () => { work.state = 'idle' } }
}
