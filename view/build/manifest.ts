/**
 * What a build leaves beside its files: each file's .gz, and sources.json, by which a test sees whether the files were
 * built from the sources that are there. Which files are sources is said again in tests/protocols/test_console_files.py.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const SOURCES = ['src', 'build', 'index.html', 'registry.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts']
const LEAST = 1_000 // bytes: what is shorter is sent as it is

/** Build, and then write the .gz files and the manifest. */
export function manifest (root: string): Plugin {
  let out = ''
  return {
    name: 'kapokmq-manifest',
    apply: 'build',
    configResolved (config) {
      out = resolve(config.root, config.build.outDir)
    },
    closeBundle () {
      const files = below(out).filter((file) => !file.endsWith('.gz') && file !== 'sources.json')
      for (const file of files) {
        const body = readFileSync(join(out, file))
        if (body.length >= LEAST) writeFileSync(join(out, file + '.gz'), gzipSync(body, { level: 9 }))
      }
      const sources = SOURCES.flatMap((place) => below(root, place)).sort()
      const told = { sources: hashes(root, sources), files: hashes(out, files.sort()) }
      writeFileSync(join(out, 'sources.json'), JSON.stringify(told, null, 1) + '\n')
    },
  }
}

/** The files in a folder and all below it, or the one file, with slashes; nothing where there is none. */
function below (root: string, place = ''): string[] {
  const whole = join(root, place)
  const found = readdirSync(root, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile() && !entry.parentPath.split(sep).includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => place === '' || path === whole || path.startsWith(whole + sep))
    .map((path) => relative(root, path).split(sep).join('/'))
}

function hashes (root: string, files: string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) =>
    [file, createHash('sha256').update(readFileSync(join(root, file))).digest('hex')]))
}
