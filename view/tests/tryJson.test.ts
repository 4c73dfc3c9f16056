import { describe, expect, it } from 'vitest'
import { jsonFault } from '@/pages/try/json'

const said = (text: string): unknown => {
  const fault = jsonFault(text)
  return fault && [fault.lack, fault.line, fault.column]
}

describe('a text that should be JSON', () => {
  it('is, whatever value it is', () => {
    for (const text of ['{}', '[1, -2.5e+3]', '"x\\u00e9\\n"', ' null ', '0', '{"a": {"b": [[]]}}', '"é 中 😀"']) expect([text, said(text)]).toEqual([text, undefined])
  })
  it('is wrong at a place, for a reason', () => {
    const wrong: [string, unknown][] = [
      ['', ['value', 1, 1]],
      ['{', ['name', 1, 2]],
      ['{"a": 1,\n "b" 2}', ['colon', 2, 6]],
      ['{"a": 1\n "b": 2}', ['commaOrBrace', 2, 2]],
      ['[1 2]', ['commaOrBracket', 1, 4]],
      ['[1,', ['value', 1, 4]],
      ['{"a": 1,}', ['trailing', 1, 8]],
      ['[1,\n]', ['trailing', 1, 3]],
      ["{'a': 1}", ['name', 1, 2]],
      ['{"a": nul}', ['value', 1, 7]],
      ['{"a": "x}', ['quote', 1, 7]],
      ['"a\nb"', ['quote', 1, 3]],
      ['"a\tb"', ['control', 1, 3]],
      ['"\\x"', ['escape', 1, 2]],
      ['[01]', ['number', 1, 2]],
      ['[1.]', ['number', 1, 2]],
      ['[-]', ['number', 1, 2]],
      ['{} x', ['end', 1, 4]],
      ['hello', ['value', 1, 1]],
    ]
    for (const [text, fault] of wrong) expect([text, said(text)]).toEqual([text, fault])
  })
  it('may be as deep as it likes', () => {
    expect(jsonFault('['.repeat(200_000))?.lack).toBe('value')
  })
  it('is found wrong where something was taken out, and the place is within it', () => {
    const text = '{"id": 17, "to": ["a@b.c", "d\\u0041\\n"], "deep": {"x": [1.5e-3, true, null]}, "ok": false}'
    for (let at = 0; at < text.length; at++) {
      for (const broken of [text.slice(0, at), text.slice(0, at) + text.slice(at + 1), text.slice(0, at) + '}' + text.slice(at), text.slice(0, at) + '\u0001' + text.slice(at + 1)]) {
        let right = true
        try { JSON.parse(broken) } catch { right = false }
        const fault = jsonFault(broken)
        expect([broken, fault === undefined]).toEqual([broken, right])
        if (fault !== undefined) expect(fault.at).toBeLessThanOrEqual(broken.length)
        // Each reason but the end is one that the reader came upon: the end says that all of it was read.
        if (fault?.lack === 'end') expect(fault.at).toBeLessThan(broken.length)
      }
    }
  })
})
