/** JSON for the eye: laid out from the text itself, so that large numbers and doubled names stay as they are. */
export interface Token {
  kind: 'name' | 'text' | 'number' | 'word' | 'plain'
  text: string
}

const PARTS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{},:]|\s+/g

// What may be shown as a letter: no control or formatting sign, no blank but the Chinese one.
const LETTER = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\u3000]$/u
const ESCAPE = /\\(?:u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})|u([\da-fA-F]{4})|.)/g

/** A quoted text with letters for the \uXXXX that are any; it means the same as before. */
export function lettered (quoted: string): string {
  if (!quoted.includes('\\u')) return quoted
  return quoted.replace(ESCAPE, (whole, high?: string, low?: string, one?: string) => {
    const codes = [high, low, one].flatMap((code) => (code === undefined ? [] : [parseInt(code, 16)]))
    const letter = String.fromCharCode(...codes)
    return codes.length > 0 && letter !== '"' && letter !== '\\' && LETTER.test(letter) ? letter : whole
  })
}

/** Lay an object or array out over lines, with letters for their escapes; undefined for what is no JSON. */
export function laidOut (text: string): string | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const out: string[] = []
  let depth = 0
  const line = (): void => { out.push('\n' + '  '.repeat(depth)) }
  const parts = (text.match(PARTS) ?? []).filter((part) => part.trim() !== '')
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1]
    if (part === '{' || part === '[') {
      out.push(part)
      if (next === '}' || next === ']') continue
      depth++
      line()
    } else if (part === '}' || part === ']') {
      const before = parts[index - 1]
      if (before !== '{' && before !== '[') {
        depth--
        line()
      }
      out.push(part)
    } else if (part === ',') {
      out.push(part)
      line()
    } else {
      out.push(part === ':' ? ': ' : part.startsWith('"') ? lettered(part) : part)
    }
  }
  return out.join('')
}

/** Cut JSON, whole or not, into pieces that have a colour each. */
export function tokens (text: string): Token[] {
  const found: Token[] = []
  const plain = (piece: string): void => {
    const last = found.at(-1)
    if (last?.kind === 'plain') last.text += piece
    else if (piece !== '') found.push({ kind: 'plain', text: piece })
  }
  let end = 0
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)/g)) {
    plain(text.slice(end, match.index))
    const [whole, quoted, colon, number] = match
    if (quoted !== undefined) found.push({ kind: colon === undefined ? 'text' : 'name', text: quoted })
    else found.push({ kind: number === undefined ? 'word' : 'number', text: whole })
    if (colon !== undefined) plain(colon)
    end = match.index + whole.length
  }
  plain(text.slice(end))
  return found
}

/** A stretch of a text, and how many lines of so many letters it takes, about. */
export interface Block {
  text: string
  lines: number
}

const WIDE = 90 // letters in a line, about

/** Cut a text into stretches of at most so many letters, behind a line's end where there is one, else behind a blank. */
export function blocks (text: string, most: number): Block[] {
  const found: Block[] = []
  for (let at = 0; at < text.length;) {
    const end = at + most >= text.length ? text.length : edge(text, at, at + most)
    const piece = text.slice(at, end)
    found.push({ text: piece, lines: piece.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / WIDE)), 0) })
    at = end
  }
  return found
}

function edge (text: string, from: number, to: number): number {
  for (const sign of ['\n', ' ']) {
    const last = text.lastIndexOf(sign, to - 1)
    if (last >= from) return last + 1
  }
  const half = text.charCodeAt(to) // a letter is not cut in two
  return half >= 0xdc00 && half < 0xe000 && to - 1 > from ? to - 1 : to
}
