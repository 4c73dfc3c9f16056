import { createApp, watch } from 'vue'
import App from './App.vue'
import { begin, i18n } from './i18n'
import { keepLearning } from './api/rights'
import { key } from './api/session'
import { router } from './router'
import './look/tokens.css'
import './look/base.css'
import './look/parts.css'

// Whose key is gone sees the log-in page, whatever he was at, and comes back to it.
watch(key, (now) => {
  const at = router.currentRoute.value
  if (now === null && at.name !== 'login') {
    void router.push({ name: 'login', query: at.fullPath === '/' ? {} : { to: at.fullPath } })
  }
})

keepLearning()
// The router begins to fetch the page while the texts come.
const app = createApp(App).use(i18n).use(router)
await begin()
app.mount('#app')
