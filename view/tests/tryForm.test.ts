import { describe, expect, it } from 'vitest'
import { signIn, signOut } from '@/api/session'
import { blank, due, faults, kept, message, type Form } from '@/pages/try/try'

const form = (some: Partial<Form>): Form => ({ ...blank('orders.eu'), ...some })
const header = (name: string, value: string, id = 0) => ({ id, name, value })

describe('the form that publishes', () => {
  it('makes a message of what is in use, and leaves out the rest', () => {
    expect(message(form({ data: 'hello', delay: '9', at: '2030-01-01T00:00' }))).toEqual({ data: 'hello' })
    expect(message(form({ data: '', when: 'after', delay: '1.5', unit: 'minutes' }))).toEqual({ data: '', delay: 90 })
    expect(message(form({ data: 'x', key: 'o-1', expire: '5', headers: [header('a', '1'), header('', '', 1)] })))
      .toEqual({ data: 'x', key: 'o-1', expire: 5, headers: { a: '1' } })
  })
  it('takes a time as that of the clock on the wall', () => {
    const made = message(form({ when: 'at', at: '2030-06-01T12:00:30' }))
    expect(made.at).toBe(new Date(2030, 5, 1, 12, 0, 30).getTime() / 1_000)
    expect(made).not.toHaveProperty('delay')
  })
  it('sends JSON as it was typed, to the last digit', () => {
    expect(message(form({ data: '{"n": 12345678901234567890}', format: 'json' })).data).toBe('{"n": 12345678901234567890}')
  })
  it('bears fields of numbers, whose models are numbers', () => {
    expect(message(form({ when: 'after', delay: 3 as never, expire: 4 as never }))).toEqual({ data: '', delay: 3, expire: 4 })
  })
  it('says what is wrong, only of what is in use', () => {
    expect(faults(form({ delay: '', at: '', expire: '' }))).toEqual({})
    for (const delay of ['', '-1', 'x']) expect(faults(form({ when: 'after', delay }))).toEqual({ delay: 'badDelay' })
    expect(faults(form({ when: 'after', delay: '0' }))).toEqual({})
    expect(faults(form({ when: 'at', at: '' }))).toEqual({ at: 'badTime' })
    for (const expire of ['0', '-1', 'x']) expect(faults(form({ expire }))).toEqual({ expire: 'badExpire' })
    expect(faults(form({ headers: [header('', 'v')] }))).toEqual({ headers: 'badHeaders' })
    expect(faults(form({ headers: [header('a', '1'), header('a', '2', 1)] }))).toEqual({ headers: 'badHeaders' })
    expect(faults(form({ headers: [header('a', ''), header('', '', 1)] }))).toEqual({})
  })
  it('does not publish to a pattern', () => {
    for (const topic of ['orders.*', '>', 'a.>', '*.b']) expect(faults(form({ topic }))).toEqual({ topic: 'badTopic' })
    for (const topic of ['a*', 'a.>.b', 'orders.eu']) expect(faults(form({ topic }))).toEqual({})
  })
  it('knows when a message is due', () => {
    expect(due({ data: '' }, 100)).toBeUndefined()
    expect(due({ data: '', delay: 0 }, 100)).toBeUndefined()
    expect(due({ data: '', delay: 5 }, 100)).toBe(105)
    expect(due({ data: '', at: 7 }, 100)).toBe(7)
  })
})

it('keeps what was typed until somebody signs out', () => {
  signIn('k')
  Object.assign(kept.form, { topic: 'orders', data: 'x' })
  signOut('refused')
  signIn('k')
  expect(kept.form.data).toBe('x')
  signOut()
  expect([kept.form.topic, kept.form.data]).toEqual(['', ''])
})
