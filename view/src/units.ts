/** Waits and sizes as people write them. */
const SECONDS: Record<string, number> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001, '': 1 }

/** Seconds, or with units: 90, 1.5, 2d, 1h 30m, 200 ms. */
export function readSeconds (text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*/gy)]
  if (parts.length === 0 || parts.map((one) => one[0]).join('') !== text) return undefined
  if (parts.length > 1 && parts.some((one) => one[2] === '')) return undefined
  const sum = parts.reduce((all, one) => all + Number(one[1]) * (SECONDS[one[2]!] ?? NaN), 0)
  return Number.isFinite(sum) ? sum : undefined
}

/** Bytes, or with a unit: 1048576, 1.5 MiB, 2g. */
export function readBytes (text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text)
  if (found === null) return undefined
  return Math.round(Number(found[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(found[2]!.toLowerCase()))
}
