import { describe, expect, it } from 'vitest'
import { BUNDLED, packageOf, thirdParty } from '../build/licences'

describe('the licences of what is bundled', () => {
  it('are there for each package, with the words of its authors', () => {
    const text = thirdParty('.')
    for (const name of BUNDLED) expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(\\S+\\)$`, 'm'))
    expect(text.match(/Copyright/g)!.length).toBeGreaterThanOrEqual(BUNDLED.length)
    expect(text).toContain('Apache ECharts\nCopyright')
  })
  it('are sought by the package that a module is of', () => {
    expect(packageOf('/x/node_modules/@vue/shared/dist/a.js')).toBe('@vue/shared')
    expect(packageOf('/x/node_modules/a/node_modules/b/c.js')).toBe('b')
    expect(packageOf('\0vite/preload-helper.js')).toBe('vite')
    expect(packageOf('/x/src/main.ts')).toBeUndefined()
  })
})
