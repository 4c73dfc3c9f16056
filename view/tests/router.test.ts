import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { signIn, signOut } from '@/api/session'
import { choose, begin, locale, show } from '@/i18n'
import { router, target } from '@/router'

vi.mock('@/pages/OverviewPage.vue', () => ({ default: {} }))
vi.mock('@/pages/ClientsPage.vue', () => ({ default: {} }))
vi.mock('@/pages/TopicPage.vue', () => ({ default: {} }))

const go = async (path: string): Promise<string> => {
  await router.push(path)
  return router.currentRoute.value.fullPath
}

describe('the pages', () => {
  beforeEach(() => { signIn('k') })
  afterEach(() => { signOut() })
  it('are where the original’s were, too', async () => {
    expect(await go('/Console/Monitor')).toBe('/clients')
    expect(await go('/Console')).toBe('/')
  })
  it('take any topic’s name', async () => {
    await router.push({ name: 'topic', params: { topic: 'a/b.>?#日志' } })
    expect(router.currentRoute.value.params['topic']).toBe('a/b.>?#日志')
  })
  it('are behind the key, and lead back to where one wanted to go', async () => {
    await router.push('/')
    signOut()
    expect(await go('/clients?find=x')).toBe('/login?to=/clients?find=x')
    signIn('k')
    expect(await go('/login?to=/clients')).toBe('/clients')
  })
  it('are led to by paths of ours only', () => {
    expect(['/topics', '//evil', 'https://evil', undefined, ['/x']].map(target)).toEqual(['/topics', '/', '/', '/', '/'])
  })
})

describe('the language', () => {
  afterEach(async () => {
    localStorage.clear()
    await show('en')
  })
  it('is said to the browser, and remembered', async () => {
    await choose('zh')
    expect(document.documentElement.lang).toBe('zh-Hans')
    await show('en')
    await begin()
    expect([locale.value, sessionStorage.length]).toEqual(['zh', 0])
  })
})
