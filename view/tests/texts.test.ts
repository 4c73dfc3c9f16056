import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from '@/i18n/en'
import zh from '@/i18n/zh'
import { pick } from '@/i18n'

type Texts = { [key: string]: string | Texts }

const flat = (texts: Texts, prefix = ''): [string, string][] => Object.entries(texts).flatMap(([key, text]) =>
  typeof text === 'string' ? [[prefix + key, text] as [string, string]] : flat(text, `${prefix}${key}.`))
/** A text for one and a text for many have the same fields. */
const fields = (text: string): string[][] => text.split(' | ').map((part) => [...part.matchAll(/\{(\w+)\}/g)].map((one) => one[1]!).sort())

describe('texts', () => {
  it('have the same keys in both languages', () => {
    expect(flat(zh).map(([key]) => key).sort()).toEqual(flat(en).map(([key]) => key).sort())
  })
  it('take the same fields in both', () => {
    const chinese = new Map(flat(zh))
    for (const [key, text] of flat(en)) expect([key, fields(chinese.get(key)!)[0]]).toEqual([key, fields(text)[0]])
  })
  it('say the same of one and of many', () => {
    for (const texts of [en, zh]) for (const [key, text] of flat(texts)) for (const part of fields(text)) expect([key, part]).toEqual([key, fields(text)[0]])
  })
  it('can be read by vue-i18n, which has a use for @, | and {', () => {
    const complaints: string[] = []
    const warn = console.warn
    console.warn = (text: string) => { complaints.push(text) }
    const { global } = createI18n({ legacy: false, locale: 'en', messages: {} })
    global.setLocaleMessage('en', en as never)
    const t = global.t as unknown as (key: string) => string
    for (const [key] of flat(en)) t(key)
    console.warn = warn
    expect(complaints).toEqual([])
  })
  it('are in the language that the browser wants, or English', () => {
    expect(pick(['zh-CN', 'en'])).toBe('zh')
    expect(pick(['fr', 'en-GB', 'zh'])).toBe('en')
    expect(pick(['fr'])).toBe('en')
    expect(pick([])).toBe('en')
  })
})

const files = readdirSync('src', { recursive: true, encoding: 'utf-8' }).filter((file) => /\.(vue|ts)$/.test(file))

describe('each text', () => {
  it('is used', () => {
    const sources = files.filter((file) => !/^(i18n.(en|zh)|client)\b/.test(file)).map((file) => readFileSync(`src/${file}`, 'utf-8')).join('\n')
    const named = new Set([...sources.matchAll(/'([a-zA-Z]+(?:\.\w+)+)'/g)].map((one) => one[1]!))
    // `topic.rules.${rule.name}` names all that have something in its place.
    const patterns = [...sources.matchAll(/`((?:\w|\$\{[^`}]*\})+(?:\.(?:\w|\$\{[^`}]*\})+)+)`/g)]
      .map((one) => new RegExp(`^${one[1]!.replace(/\$\{[^}]*\}/g, '*').replace(/\./g, '\\.').replace(/\*/g, '[^.]+')}$`))
    // Where a whole page would do, the name is written somewhere.
    const word = (key: string): boolean => {
      const last = key.split('.').at(-1)!.replace(/Hint$/, '')
      return key.split('.').length > 2 || new RegExp(`'${last}'|\\b${last}: \\d`).test(sources)
    }
    const made = (key: string): boolean => word(key) && patterns.some((one) => one.test(key))
    const unused = flat(en).map(([key]) => key).filter((key) => !named.has(key) && !key.endsWith('.title') && !made(key))
    expect(unused).toEqual([])
  })
})

describe('sources', () => {
  it('show what comes from elsewhere as text only', () => {
    for (const file of files) {
      const text = readFileSync(`src/${file}`, 'utf-8')
      expect([file, /v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/.test(text)]).toEqual([file, false])
    }
  })
  it('have no style that the page’s policy refuses', () => {
    for (const file of files) expect([file, /\sstyle="/.test(readFileSync(`src/${file}`, 'utf-8'))]).toEqual([file, false])
  })
})
