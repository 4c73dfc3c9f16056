import { afterEach, describe, expect, it, vi } from 'vitest'
import { begin, choose, i18n, locale, show } from '@/i18n'
import { notices } from '@/notices'

const late = vi.hoisted(() => {
  let come = (): void => undefined
  const texts = new Promise<void>((resolve) => { come = resolve })
  return { texts, come: () => come() }
})
vi.mock('@/i18n/zh', async (original) => {
  await late.texts
  return await original()
})

describe('the language', () => {
  afterEach(async () => {
    localStorage.clear()
    await show('en')
  })
  it('is the one that was chosen last, though the texts of another come later', async () => {
    const first = choose('zh')
    await choose('en')
    late.come()
    await first
    expect([locale.value, localStorage.getItem('kapokmq.language')]).toEqual(['en', 'en'])
  })
  it('is said to the browser, and remembered', async () => {
    await choose('zh')
    expect(document.documentElement.lang).toBe('zh-Hans')
    await show('en')
    await begin()
    expect([locale.value, sessionStorage.length]).toEqual(['zh', 0])
  })
  it('stays where the texts of another do not come: that is said, and nothing remembered', async () => {
    const shown = vi.spyOn(i18n.global, 'setLocaleMessage').mockImplementation(() => { throw new TypeError('Failed to fetch') })
    await choose('zh')
    shown.mockRestore()
    expect([locale.value, localStorage.length, notices.value.at(-1)?.tone]).toEqual(['en', 0, 'bad'])
  })
})
