/** JSON for the eye: laid out from the text itself, so that large numbers and doubled names stay as they are. */
export interface Token {
  kind: 'name' | 'text' | 'number' | 'word' | 'plain'
  text: string
}

const PARTS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{},:]|\s+/g

/** Lay an object or array out over lines; undefined for what is no JSON. */
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
      out.push(part === ':' ? ': ' : part)
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
