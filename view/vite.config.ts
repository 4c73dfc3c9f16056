import vue from '@vitejs/plugin-vue'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { licences } from './build/licences.ts'
import { manifest } from './build/manifest.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
// The registry's page is built beside the console where it is written.
const pages = ['index.html', 'registry.html'].filter((page) => existsSync(here + page))

/** The broker that `npm run dev` shows. */
const broker = process.env['KAPOKMQ'] ?? 'http://127.0.0.1:8011'

export default defineConfig({
  root: here,
  base: './',
  plugins: [vue(), licences(here), manifest(here)],
  resolve: { alias: { '@': here + 'src' } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false }, // without it a browser that knows no preloading is only slower
    assetsInlineLimit: 0, // the page's policy takes nothing from data: addresses
    chunkSizeWarningLimit: 700, // kilobytes: that of ECharts, which comes when a chart is shown
    reportCompressedSize: false,
    rolldownOptions: {
      input: pages.map((page) => here + page),
      output: {
        codeSplitting: {
          groups: [
            // What is not ours changes seldom: a browser keeps it over releases.
            { name: 'vue', test: /node_modules\/(vue|@vue|vue-router|vue-i18n|@intlify)\// },
            // What pages share comes in one piece, not in twenty.
            { name: 'shared', test: /\/src\/(api|components|look|charts\/palette|i18n\/index|calm|format|names|notices|query)/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      '/api': broker,
      '/metrics': broker,
      '/healthz': broker,
      '/readyz': broker,
      '/v2': { target: broker, ws: true },
    },
  },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.{ts,mjs}'] },
})
