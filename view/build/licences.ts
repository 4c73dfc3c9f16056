/**
 * The licences of what is bundled that others wrote, as one text beside the built files. A page finds it by
 *
 *     import licences from 'virtual:licences'   // its address
 *
 * A build fails where the packages below are not those that went into the files.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** What goes into the files, by name; of the tools only the few lines of each that hold the rest together. */
export const BUNDLED = [
  '@intlify/core-base', '@intlify/message-compiler', '@intlify/shared', '@vitejs/plugin-vue', '@vue/reactivity',
  '@vue/runtime-core', '@vue/runtime-dom', '@vue/shared', 'echarts', 'rolldown', 'tslib', 'vite', 'vue', 'vue-i18n',
  'vue-router', 'zrender',
]

const TEXTS = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'NOTICE'] // as far as a package has them
const OTHERS = /^# Licenses of bundled dependencies/m // a tool lists those of what it is made of itself
const RULE = '\n\n' + '-'.repeat(80) + '\n'
const ID = 'virtual:licences'
const NAME = 'third-party.txt'

/** All of them, each with its version and with what its authors want to be said. */
export function thirdParty (root: string): string {
  const all = BUNDLED.map((name) => {
    const folder = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf-8')) as { version: string, license: string }
    const texts = TEXTS.map((file) => join(folder, file)).filter((file) => existsSync(file))
    if (texts.length === 0) throw new Error(`${name} says nothing of its licence`)
    const said = texts.map((file) => readFileSync(file, 'utf-8').split(OTHERS)[0]!.trim())
    return [`${name} ${version} (${license})`, ...said].join('\n\n')
  })
  return ['KapokMQ’s pages are made with these, under the licences that follow.', ...all].join(RULE) + '\n'
}

/** Which package a module is of; undefined for our own. */
export function packageOf (id: string): string | undefined {
  const made = /^\0(vite|rolldown)\//.exec(id)
  if (made !== null) return made[1]
  if (id.startsWith('\0plugin-vue:')) return '@vitejs/plugin-vue'
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]
}

/** Write the file, and see that it is whole. */
export function licences (root: string): Plugin {
  let building = false
  return {
    name: 'kapokmq-licences',
    configResolved (config) {
      building = config.command === 'build'
    },
    resolveId: (id) => (id === ID ? '\0' + ID : undefined),
    load (id) {
      if (id !== '\0' + ID) return undefined
      if (!building) return `export default '/${NAME}'`
      const file = this.emitFile({ type: 'asset', name: NAME, source: thirdParty(root) })
      return `export default import.meta.ROLLUP_FILE_URL_${file}`
    },
    configureServer (server) {
      server.middlewares.use('/' + NAME, (_, answer) => answer.setHeader('Content-Type', 'text/plain; charset=utf-8').end(thirdParty(root)))
    },
    generateBundle (_, files) {
      const found = Object.values(files)
        .flatMap((file) => (file.type === 'chunk' ? Object.entries(file.modules) : []))
        .flatMap(([id, module]) => (module.renderedLength > 0 ? packageOf(id) ?? [] : []))
      const told = [...new Set(found)].sort().join(' ')
      if (told !== BUNDLED.join(' ')) this.error(`build/licences.ts lists other packages than are bundled: ${told}`)
    },
  }
}
