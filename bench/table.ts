export interface Sample {
  readonly luns: number
  readonly peer: string
  readonly what: string
  readonly size: number
  readonly ms: number
  readonly processes: number
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** median (min–max) */
export const spread = (times: readonly number[]): string =>
  spreadOf(median(times), Math.min(...times), Math.max(...times))

const spreadOf = (middle: number, low: number, high: number) =>
  `${middle.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`

export interface Row {
  readonly luns: number
  readonly what: string
  readonly size: number
  readonly peer: string
  readonly ms: number
  readonly low: number
  readonly high: number
  readonly processes: number
  /** Median over the floor's median, of the same boot. */
  readonly ratio: number
}

export function summarise(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, ({ luns, what, size, peer }) =>
    JSON.stringify([luns, what, size, peer]),
  )
  const medianOf = (luns: number, what: string, size: number) =>
    median((groups.get(JSON.stringify([luns, what, size, 'floor'])) ?? []).map(({ ms }) => ms))
  return [...groups.values()].map((group) => {
    const { luns, what, size, peer } = group[0]!
    const times = group.map(({ ms }) => ms)
    return {
      luns,
      what,
      size,
      peer,
      ms: median(times),
      low: Math.min(...times),
      high: Math.max(...times),
      processes: median(group.map(({ processes }) => processes)),
      ratio: median(times) / medianOf(luns, what, size),
    }
  })
}

export const HEAD =
  '| LUNs of the target | operation | volumes at once | who | ms, median (min–max) | processes started | ratio to the floor |\n|---|---|---|---|---|---|---|\n'

export function markdown(rows: readonly Row[]): string {
  const line = (row: Row) =>
    `| ${row.luns} | ${row.what} | ${row.size} | ${row.peer} | ${spreadOf(row.ms, row.low, row.high)} | ${row.processes} | ${row.ratio.toFixed(2)} |\n`
  return rows.map(line).join('')
}
