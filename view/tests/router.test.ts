import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp } from 'vue'
import { signIn, signOut } from '@/api/session'
import { useOrder, useQuery } from '@/query'
import { router, target } from '@/router'

vi.mock('@/pages/overview/OverviewPage.vue', () => ({ default: {} }))
vi.mock('@/pages/clients/ClientsPage.vue', () => ({ default: {} }))
vi.mock('@/pages/topics/TopicPage.vue', () => ({ default: {} }))

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

describe('the address', () => {
  it('holds what is typed, and what a table is sorted by', async () => {
    signIn('k')
    const app = createApp({ render: () => null }).use(router)
    const [name, order] = app.runWithContext(() => [useQuery('name'), useOrder()] as const)
    expect([name.value, order.value]).toEqual(['', undefined])
    const put = async (change: () => void): Promise<string> => {
      const done = new Promise<void>((resolve) => { const stop = router.afterEach(() => { stop(); resolve() }) })
      change()
      await done
      return router.currentRoute.value.fullPath
    }
    await go('/clients')
    expect(await put(() => { name.value = 'x' })).toBe('/clients?name=x')
    expect(await put(() => { order.value = { key: 'lag', down: true } })).toBe('/clients?name=x&sort=-lag')
    expect(order.value).toEqual({ key: 'lag', down: true })
    expect(await put(() => { order.value = { key: 'lag', down: false } })).toBe('/clients?name=x&sort=lag')
    expect(order.value).toEqual({ key: 'lag', down: false })
    expect(await put(() => { order.value = undefined })).toBe('/clients?name=x')
    signOut()
  })
  it('takes two at once, which are read at once', async () => {
    signIn('k')
    await go('/clients?name=x')
    const app = createApp({ render: () => null }).use(router)
    const [name, find, open] = app.runWithContext(() => [useQuery('name'), useQuery('find'), useQuery('client', { opens: true })] as const)
    const pushed = vi.spyOn(history, 'pushState')
    name.value = ''
    find.value = 'a'
    open.value = '7'
    expect([name.value, find.value, open.value]).toEqual(['', 'a', '7'])
    await vi.waitFor(() => { expect(router.currentRoute.value.fullPath).toBe('/clients?find=a&client=7') })
    expect(pushed).toHaveBeenCalledOnce() // back closes it
    open.value = ''
    await vi.waitFor(() => { expect(router.currentRoute.value.fullPath).toBe('/clients?find=a') })
    expect(pushed).toHaveBeenCalledOnce()
    await go('/?find=other')
    find.value = 'late'
    expect([find.value, router.currentRoute.value.fullPath]).toEqual(['a', '/?find=other'])
    signOut()
  })
})
