/** Where a text stops to be JSON. Browsers say so in words of their own, some with the place and some without. */

/** What there should have been: a key of the texts. */
export type Lack = 'value' | 'name' | 'colon' | 'commaOrBrace' | 'commaOrBracket' | 'end' | 'quote' | 'control' | 'escape' | 'number' | 'trailing'

/** A fault, at a character counted from 0; line and column are counted from 1. */
export interface JsonFault {
  at: number
  line: number
  column: number
  lack: Lack
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const NUMERIC = /[-+.\w]*/y
const WORD = /true|false|null/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

class Stop extends Error {
  constructor (readonly at: number, readonly lack: Lack) {
    super(lack)
  }
}

/** The first fault of a text; undefined for JSON. */
export function jsonFault (text: string): JsonFault | undefined {
  try {
    JSON.parse(text) // is quick, and right
    return undefined
  } catch {
    const { at, lack } = new Reader(text).fault()
    const before = text.slice(0, at)
    return { at, lack, line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
  }
}

/** Reads as the grammar of RFC 8259 says. What is open is on a stack of its own, so that deep texts are no matter. */
class Reader {
  private at = 0
  private readonly open: ('{' | '[')[] = []

  constructor (private readonly text: string) {}

  fault (): { at: number, lack: Lack } {
    try {
      this.value()
      while (this.open.length > 0) this.behind()
      this.space()
      return { at: this.at, lack: 'end' }
    } catch (stop) {
      if (stop instanceof Stop) return stop
      throw stop
    }
  }

  /** A value; of objects and arrays, all that begin here and the first value that is none. */
  private value (): void {
    for (;;) {
      this.space()
      const next = this.text[this.at]
      if (next !== '{' && next !== '[') break
      this.at++
      this.space()
      if (this.text[this.at] === (next === '{' ? '}' : ']')) { this.at++; return }
      this.open.push(next)
      if (next === '{') this.name()
    }
    const next = this.text[this.at]
    if (next === '"') this.string()
    else if (next !== undefined && /[-\d]/.test(next)) this.number()
    else if (!this.take(WORD)) throw new Stop(this.at, 'value')
  }

  /** What follows a value within an object or array: the next one, or its end. */
  private behind (): void {
    this.space()
    const within = this.open.at(-1)!
    const next = this.text[this.at]
    if (next === (within === '{' ? '}' : ']')) {
      this.at++
      this.open.pop()
      return
    }
    if (next !== ',') throw new Stop(this.at, within === '{' ? 'commaOrBrace' : 'commaOrBracket')
    const comma = this.at++
    this.space()
    const after = this.text[this.at]
    if (after === '}' || after === ']') throw new Stop(comma, 'trailing')
    if (within === '{') this.name()
    this.value()
  }

  private name (): void {
    this.space()
    if (this.text[this.at] !== '"') throw new Stop(this.at, 'name')
    this.string()
    this.space()
    if (this.text[this.at] !== ':') throw new Stop(this.at, 'colon')
    this.at++
  }

  private string (): void {
    const begin = this.at++
    for (;;) {
      this.take(PLAIN)
      const next = this.text[this.at]
      if (next === '"') { this.at++; return }
      if (next === undefined) throw new Stop(begin, 'quote')
      if (next !== '\\') throw new Stop(this.at, next === '\n' || next === '\r' ? 'quote' : 'control')
      if (!this.take(ESCAPE)) throw new Stop(this.at, 'escape')
    }
  }

  private number (): void {
    const begin = this.at
    const right = this.take(NUMBER)
    const end = this.at
    this.at = begin
    this.take(NUMERIC)
    if (!right || this.at !== end) throw new Stop(begin, 'number')
  }

  private space (): void {
    this.take(SPACE)
  }

  /** Go past what is here; whether there was something. */
  private take (what: RegExp): boolean {
    what.lastIndex = this.at
    const found = what.exec(this.text)?.[0] ?? ''
    this.at += found.length
    return found !== ''
  }
}
