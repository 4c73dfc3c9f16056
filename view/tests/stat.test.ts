import { expect, it } from 'vitest'
import { createApp, h } from 'vue'
import Stat from '@/components/Stat.vue'

/** Whether a figure is set in smaller letters where there is little room. */
function small (value: string): boolean {
  const box = document.createElement('div')
  const app = createApp({ render: () => h(Stat, { label: 'Oldest', value }) })
  app.component('RouterLink', { render: () => null }).mount(box)
  const is = box.querySelector('.value')!.classList.contains('long')
  app.unmount()
  return is
}

it('has room for a figure of any script, or is set in smaller letters', () => {
  expect(['6,126', '1m 15s', '1 分 8 秒', '12h 40m 5s'].map(small)).toEqual([false, false, true, true])
})
