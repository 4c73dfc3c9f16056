/** Which page is where. Each comes when it is first opened. */
import { createRouter, createWebHashHistory, type RouteLocationNormalized, type RouteRecordRaw } from 'vue-router'
import { broken, here } from './api/link'
import { key } from './api/session'

/** The pages of the menu, in its order: the name of each is that of its texts. */
export const MENU = [
  { name: 'overview', path: '/', page: () => import('./pages/overview/OverviewPage.vue') },
  { name: 'topics', path: '/topics', page: () => import('./pages/topics/TopicsPage.vue') },
  { name: 'messages', path: '/messages', page: () => import('./pages/messages/MessagesPage.vue') },
  { name: 'scheduled', path: '/scheduled', page: () => import('./pages/scheduled/ScheduledPage.vue') },
  { name: 'dead', path: '/dead', page: () => import('./pages/dead/DeadPage.vue') },
  { name: 'clients', path: '/clients', page: () => import('./pages/clients/ClientsPage.vue') },
  { name: 'cluster', path: '/cluster', page: () => import('./pages/cluster/ClusterPage.vue') },
  { name: 'settings', path: '/settings', page: () => import('./pages/settings/SettingsPage.vue') },
  { name: 'tryIt', path: '/try', page: () => import('./pages/try/TryPage.vue') },
] as const

const routes: RouteRecordRaw[] = [
  ...MENU.map(({ name, path, page }) => ({ name, path, component: page })),
  // A topic's name may hold anything, and is one parameter: the router encodes it.
  { name: 'topic', path: '/topics/:topic', props: true, component: () => import('./pages/topics/TopicPage.vue') },
  { name: 'login', path: '/login', component: () => import('./pages/login/LoginPage.vue'), meta: { open: true } },
  // Where the original's pages were.
  { path: '/Console', redirect: '/' },
  { path: '/Console/Monitor', redirect: '/clients' },
  { path: '/Console/Message', redirect: '/messages' },
  { path: '/Console/Cluster', redirect: '/cluster' },
  { name: 'notFound', path: '/:rest(.*)*', component: () => import('./pages/NotFoundPage.vue') },
]

export const router = createRouter({
  history: createWebHashHistory(),
  routes,
  sensitive: true,
  scrollBehavior: (to, from, before) => (to.path === from.path ? undefined : before ?? { top: 0 }),
})

/** Where a page was, a path of ours; anything else leads to the overview. */
export const target = (to: unknown): string => (typeof to === 'string' && /^\/(?!\/)/.test(to) ? to : '/')

const SOON = 5_000 // milliseconds after a page was loaded, before which it is not loaded anew

// A page whose files don't come: the broker is away, or is of another version by now. Not every browser asks again for a file
// that it did not get, so all is loaded anew once the broker is there, unless somebody went elsewhere meanwhile.
let missing = false
let wanted: RouteLocationNormalized | undefined
addEventListener('vite:preloadError', () => { missing = true })
router.onError(async (_, to) => {
  if (!missing) return
  wanted = to
  broken()
  await here()
  await new Promise((resolve) => { setTimeout(resolve, Math.max(0, SOON - performance.now())) })
  if (wanted !== to) return
  location.hash = router.resolve(to).href
  location.reload()
})
router.afterEach((_to, _from, failure) => { if (failure === undefined) wanted = undefined })

router.beforeEach((to) => {
  if (key.value === null && to.meta['open'] !== true) {
    return { name: 'login', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  }
  return to.name === 'login' && key.value !== null ? target(to.query['to']) : true
})
