import { createApp, watch } from 'vue'
import { begin, i18n, locale } from '@/i18n'
import '@/look/tokens.css'
import '@/look/base.css'
import '@/look/parts.css'
import RegistryApp from './RegistryApp.vue'

await begin()
// What the console says of its broker is said here of the registry.
watch(locale, (now) => {
  const t = i18n.global.t as (key: string) => string
  i18n.global.mergeLocaleMessage(now, {
    app: { gone: t('cluster.registry.gone'), back: t('cluster.registry.back') },
    states: { gone: t('cluster.registry.gone'), error: t('cluster.registry.refused') },
  })
}, { immediate: true, flush: 'sync' })
createApp(RegistryApp).use(i18n).mount('#app')
