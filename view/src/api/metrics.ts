/** The few things that a page reads of Prometheus' text format. */
export interface Metric {
  name: string
  labels: Record<string, string>
  value: number
}

/** Take the text apart; lines that are no sample are passed over. */
export function readMetrics (text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line)
    if (found === null) return []
    const labels = [...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((one) => [one[1]!, one[2]!])
    return [{ name: found[1]!, labels: Object.fromEntries(labels) as Record<string, string>, value: Number(found[3]) }]
  })
}

/** All samples of one name together. */
export function total (metrics: readonly Metric[], name: string): number {
  return metrics.filter((one) => one.name === name).reduce((sum, one) => sum + one.value, 0)
}

/** A histogram: how many observations were at most that large, ascending. */
export type Buckets = { most: number, count: number }[]

/** A histogram's buckets. */
export function buckets (metrics: readonly Metric[], name: string): Buckets {
  return metrics
    .filter((one) => one.name === `${name}_bucket`)
    .map((one) => ({ most: one.labels['le'] === '+Inf' ? Infinity : Number(one.labels['le']), count: one.value }))
    .sort((a, b) => a.most - b.most)
}

/** What was observed between two readings. */
export function between (before: Buckets, now: Buckets): Buckets {
  return now.map((one, index) => ({ most: one.most, count: one.count - (before[index]?.count ?? 0) }))
}

/** Below what this share of the observations lies, by the buckets' bounds; undefined where there are none. */
export function quantile (share: number, observed: Buckets): number | undefined {
  const all = observed.at(-1)?.count ?? 0
  if (all <= 0) return undefined
  const bound = observed.find((one) => one.count >= share * all)
  return bound?.most
}
