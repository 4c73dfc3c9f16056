import { describe, expect, it } from 'vitest'
import { given, MASK, sections, shown, unit, variable } from '@/pages/settings/settings'
import type { SettingView } from '@/api'

const setting = (path: string, source = 'default'): SettingView => ({ path, value: 1, default: 1, source })

describe('settings', () => {
  it('are put into sections, in their order', () => {
    const all = ['server.addr', 'server.tls.key', 'topics', 'cluster.isCluster', 'cluster.gossip.label', 'cluster.gossipKey'].map((path) => setting(path))
    expect(sections(all).map(({ name, settings }) => [name, settings.map((one) => one.path)])).toEqual([
      ['server', ['server.addr', 'server.tls.key']],
      ['topics', ['topics']],
      ['cluster', ['cluster.isCluster', 'cluster.gossipKey']],
      ['cluster.gossip', ['cluster.gossip.label']],
    ])
  })
  it('have the variables that docs/configuration.md tells of', () => {
    expect(['mq.secretKey', 'server.port', 'server.tls.key', 'topics'].map(variable))
      .toEqual(['KAPOKMQ_MQ_SECRETKEY', 'KAPOKMQ_SERVER_PORT', 'KAPOKMQ_SERVER_TLSKEY', undefined])
  })
  it('are given by somebody, or not', () => {
    expect(['default', 'file', 'environment'].map((source) => given(setting('a.b', source)))).toEqual([false, true, true])
  })
  it('count seconds or bytes', () => {
    expect(['mq.cleanTime', 'mq.memoryBudget', 'mq.pushCount'].map(unit)).toEqual(['seconds', 'bytes', undefined])
  })
})

describe('a value', () => {
  it('is never a secret', () => {
    expect([MASK, [MASK, MASK]].map((value) => shown(value).kind)).toEqual(['secret', 'secret'])
  })
  it('is said in words where it is none', () => {
    expect([null, undefined, '', [], {}].map((value) => shown(value).kind)).toEqual(['none', 'none', 'empty', 'empty', 'empty'])
  })
  it('is shown as it is written', () => {
    expect([0, false, 'lan', ['a', 'b']].map(shown)).toEqual(['0', 'false', 'lan', 'a, b'].map((text) => ({ kind: 'text', text })))
    expect(shown({ 'orders.>': { maxAge: 5 } })).toEqual({ kind: 'block', text: '{\n  "orders.>": {\n    "maxAge": 5\n  }\n}' })
    expect(shown([{ a: 1 }]).kind).toBe('block')
  })
})
