import { createApp } from 'vue'
import { begin, i18n } from '@/i18n'
import '@/look/tokens.css'
import '@/look/base.css'
import '@/look/parts.css'
import RegistryApp from './RegistryApp.vue'

await begin()
createApp(RegistryApp).use(i18n).mount('#app')
