import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, ref, type App } from 'vue'
import ConfirmByName from '@/components/ConfirmByName.vue'
import DataTable from '@/components/DataTable.vue'
import { inOrder, type Table } from '@/components/table'
import { i18n, show } from '@/i18n'

interface Row { name: string, lag: number }

const columns = [
  { key: 'name', title: 'Name', width: 100, sort: (row: Row) => row.name },
  { key: 'lag', title: 'Lag', width: 100, number: true, sort: (row: Row) => row.lag },
]
let app: App | undefined

afterEach(() => {
  app?.unmount()
  document.body.replaceChildren()
})

async function mount (draw: () => unknown): Promise<void> {
  await show('en')
  const box = document.body.appendChild(document.createElement('main'))
  box.tabIndex = -1
  app = createApp({ render: draw as never }).use(i18n)
  app.mount(box)
  await settled()
}

const settled = async (): Promise<void> => { for (let turn = 0; turn < 5; turn++) await nextTick() }
const names = (): (string | null)[] => [...document.querySelectorAll('tr.line')].map((row) => row.firstElementChild!.textContent)
const table = (rows: readonly Row[], more: object = {}) =>
  h(DataTable as never, { label: 'x', columns, rows, rowKey: (row: Row) => row.name, openable: true, ...more }, { lag: ({ row }: { row: Row }) => h('button', row.lag) } as never)

describe('a table', () => {
  it('counts one row and many, and is sorted at first as it is told', async () => {
    const rows = ref<Row[]>([{ name: 'b', lag: 1 }, { name: 'a', lag: 5 }, { name: 'c', lag: 3 }])
    await mount(() => table(rows.value, { order: { key: 'lag', down: true } }))
    expect(names()).toEqual(['a', 'c', 'b'])
    expect(document.querySelector('[aria-sort]')!.getAttribute('aria-sort')).toBe('descending')
    expect(document.querySelector('[role=status]')!.textContent).toBe('3 rows')
    rows.value = rows.value.slice(0, 1)
    await settled()
    expect(document.querySelector('[role=status]')!.textContent).toBe('1 row')
  })
  it('keeps the keyboard in the place of a row that is gone', async () => {
    const rows = ref<Row[]>(['a', 'b', 'c'].map((name) => ({ name, lag: 0 })))
    await mount(() => table(rows.value))
    document.querySelectorAll<HTMLElement>('tr.line')[1]!.focus()
    document.querySelectorAll<HTMLElement>('tr.line button')[1]!.focus()
    rows.value = rows.value.filter((row) => row.name !== 'b')
    await settled()
    expect(document.activeElement!.firstElementChild!.textContent).toBe('c')
    rows.value = []
    await settled()
    expect(document.activeElement!.className).toBe('region')
  })
  it('leaves the keyboard alone that is elsewhere', async () => {
    const rows = ref<Row[]>([{ name: 'a', lag: 0 }])
    await mount(() => [h('input'), table(rows.value)])
    document.querySelector('input')!.focus()
    rows.value = []
    await settled()
    expect(document.activeElement!.tagName).toBe('INPUT')
  })
})

describe('rows in order', () => {
  const rows = [{ name: 'b', lag: 1 }, { name: 'a', lag: 5 }]
  it('are those of a column, and else as they come', () => {
    const order = (key: string, down = false): string => inOrder(rows, columns, { key, down }).map((row) => row.name).join('')
    expect([order('name'), order('name', true), order('lag'), order('nothing')]).toEqual(['ab', 'ba', 'ba', 'ba'])
    expect(inOrder(rows, columns, undefined)).toBe(rows)
  })
})

describe('a table that is used', () => {
  const three = (): Row[] => ['a', 'b', 'c'].map((name, lag) => ({ name, lag }))
  const press = (key: string, more: object = {}): void => {
    document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more }))
  }
  it('tells of each other order', async () => {
    const order = ref<unknown>()
    await mount(() => table(three(), { order: order.value, 'onUpdate:order': (now: unknown) => { order.value = now } }))
    const head = document.querySelectorAll<HTMLElement>('th button')[1]!
    head.click()
    await settled()
    expect([order.value, names()]).toEqual([{ key: 'lag', down: true }, ['c', 'b', 'a']])
    head.click()
    await settled()
    expect([order.value, names()]).toEqual([{ key: 'lag', down: false }, ['a', 'b', 'c']])
  })
  it('has a row picked by the space bar, and opened by Enter', async () => {
    const told: unknown[] = []
    const on = { pickable: true, onPick: (row: Row, index: number, range: boolean) => told.push([row.name, index, range]), onOpen: (row: Row) => told.push(row.name) }
    await mount(() => table(three(), on))
    document.querySelectorAll<HTMLElement>('tr.line')[1]!.focus()
    press(' ')
    press('ArrowDown')
    await settled()
    press(' ', { shiftKey: true })
    press('Enter')
    expect(told).toEqual([['b', 1, false], ['c', 2, true], 'c'])
  })
  it('keeps live rows in their places while somebody is there, and says which are gone', async () => {
    const rows = ref(three())
    const gone: string[] = []
    await mount(() => h(DataTable as never, { label: 'x', columns, rows: rows.value, rowKey: (row: Row) => row.name, live: true, order: { key: 'lag', down: true } },
      { name: (slot: { row: Row, gone: boolean }) => { if (slot.gone) gone.push(slot.row.name); return slot.row.name } } as never))
    expect(names()).toEqual(['c', 'b', 'a'])
    document.querySelector('.region')!.dispatchEvent(new Event('pointermove'))
    rows.value = [{ name: 'a', lag: 9 }, { name: 'b', lag: 1 }, { name: 'd', lag: 5 }]
    await settled()
    expect([names(), [...new Set(gone)]]).toEqual([['c', 'b', 'a', 'd'], ['c']])
    document.querySelector('.region')!.dispatchEvent(new Event('pointerleave'))
    await settled()
    expect(names()).toEqual(['a', 'd', 'b'])
  })
  it('is sorted anew by a click although somebody is there', async () => {
    const rows = ref(three())
    await mount(() => table(rows.value, { live: true }))
    document.querySelector('.region')!.dispatchEvent(new Event('pointermove'))
    rows.value = [{ name: 'c', lag: 1 }, { name: 'b', lag: 2 }]
    await settled()
    expect(names()).toEqual(['a', 'b', 'c'])
    document.querySelector<HTMLElement>('th button')!.click()
    await settled()
    expect(names()).toEqual(['b', 'c'])
  })
  it('brings a row into sight by its key', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => ({ name: `row ${n}`, lag: n }))
    const made = ref<Table>()
    await mount(() => table(many, { ref: made, high: 400 }))
    expect(names()).not.toContain('row 700')
    await made.value!.reveal('row 700')
    expect(names()).toContain('row 700')
    await made.value!.reveal('nobody')
    expect(names()).toContain('row 700')
  })
})

describe('a question', () => {
  const asked = (more: object = {}) => h(ConfirmByName, { title: 'Delete?', action: 'Delete', run: () => Promise.resolve(), ...more })
  it('wants a name typed where it is given', async () => {
    await mount(() => asked({ name: 'orders' }))
    const button = [...document.querySelectorAll('button')].at(-1)!
    expect([button.disabled, button.className]).toEqual([true, 'main bad'])
    const field = document.querySelector('input')!
    field.value = 'orders'
    field.dispatchEvent(new Event('input'))
    await settled()
    expect(button.disabled).toBe(false)
  })
  it('may be mild', async () => {
    await mount(() => asked({ mild: true }))
    expect([...document.querySelectorAll('button')].map((one) => one.className)).toEqual(['', 'main'])
  })
  it('leaves the keyboard in the table whose row it was about', async () => {
    const rows = ref<Row[]>([{ name: 'a', lag: 0 }, { name: 'b', lag: 0 }])
    const open = ref(false)
    const run = vi.fn(() => { rows.value = rows.value.slice(1); return settled() })
    await mount(() => [table(rows.value), open.value ? asked({ run, onClose: () => { open.value = false } }) : null])
    document.querySelector<HTMLElement>('tr.line button')!.focus()
    open.value = true
    await settled()
    document.querySelector('form')!.requestSubmit()
    for (let turn = 0; turn < 10; turn++) await settled()
    expect(run).toHaveBeenCalledOnce()
    expect(document.querySelector('dialog')).toBeNull()
    expect(document.querySelector('.region')!.contains(document.activeElement)).toBe(true)
  })
})
