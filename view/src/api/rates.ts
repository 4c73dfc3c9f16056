/** Rates from totals: what a counter that only grows, unless the broker began anew, says per second. */
export interface Sample {
  /** Seconds, of a steady clock. */
  at: number
  totals: Readonly<Record<string, number>>
}

/** How fast each total grows, kept for so many samples. */
export class Rates {
  private last: Sample | undefined
  private readonly spans: number[] = [] // seconds that each point is of
  readonly points: Record<string, number>[] = []

  constructor (private readonly names: readonly string[], private readonly most = 3_600) {}

  /** Take a reading, and give the rates since the one before; undefined for the first. */
  take (sample: Sample): Record<string, number> | undefined {
    const before = this.last
    this.last = sample
    if (before === undefined || sample.at <= before.at) return undefined
    const point = Object.fromEntries(this.names.map((name) => [name, this.rate(name, before, sample)]))
    this.points.push(point)
    this.spans.push(sample.at - before.at)
    if (this.points.length > this.most) {
      this.points.shift()
      this.spans.shift()
    }
    return point
  }

  /** Begin anew: nobody looked for a while. */
  rest (): void {
    this.last = undefined
    this.points.length = this.spans.length = 0
  }

  /**
   * The rate of one total over the last so many readings together, which come at uneven times; undefined before there are
   * two.
   */
  lately (name: string, readings: number): number | undefined {
    const first = Math.max(0, this.points.length - readings)
    const grown = this.points.slice(first).reduce((sum, point, index) => sum + (point[name] ?? 0) * this.spans[first + index]!, 0)
    const took = this.spans.slice(first).reduce((sum, one) => sum + one, 0)
    return took === 0 ? undefined : grown / took
  }

  /** The rates of one total, oldest first, thinned to at most so many points by their mean. */
  series (name: string, most = 60): number[] {
    const all = this.points.map((point) => point[name] ?? 0)
    const width = Math.max(1, Math.ceil(all.length / most))
    const thin: number[] = []
    for (let first = 0; first < all.length; first += width) {
      const some = all.slice(first, first + width)
      thin.push(some.reduce((sum, one) => sum + one, 0) / some.length)
    }
    return thin
  }

  private rate (name: string, before: Sample, now: Sample): number {
    const grown = (now.totals[name] ?? 0) - (before.totals[name] ?? 0)
    return Math.max(0, grown) / (now.at - before.at)
  }
}
