type Fields = Readonly<Record<string, unknown>>

/** Collectors nest records a few levels deep; deeper levels are ignored. */
const MAX_DEPTH = 5
const MAX_FIELDS = 400

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * All scalar values of a record, by path and by each ending of the path, in lower case: `_source.message` is also found
 * as `message`. If a name occurs twice, the less nested one counts.
 */
export function nestedFields(record: Fields): ReadonlyMap<string, string | number> {
  const fields = new Map<string, string | number>()
  const add = (path: readonly string[], value: string | number) => {
    for (let from = path.length - 1; from >= 0; from--) {
      const name = path.slice(from).join('.').toLowerCase()
      if (!fields.has(name)) fields.set(name, value)
    }
  }
  let level: [readonly string[], Fields][] = [[[], record]]
  let seen = 0
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: [readonly string[], Fields][] = []
    for (const [path, container] of level)
      for (const [key, value] of Object.entries(container)) {
        if (++seen > MAX_FIELDS) return fields
        const place = [...path, key]
        const scalar = scalarOf(value)
        if (scalar !== null) add(place, scalar)
        else if (isRecord(value)) next.push([place, value])
        else if (Array.isArray(value))
          for (const pair of otelAttributes(value)) add([...place, pair[0]], pair[1])
      }
    level = next
  }
  return fields
}

function scalarOf(value: unknown): string | number | null {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (!Array.isArray(value)) return null
  // journald prints values with unprintable bytes as arrays of bytes; Elastic's `fields` are lists with one value.
  if (value.length > 0 && value.every((byte) => typeof byte === 'number' && byte >= 0 && byte < 256))
    return Buffer.from(value as number[]).toString('utf8')
  const [only] = value as readonly unknown[]
  return value.length === 1 && (typeof only === 'string' || typeof only === 'number') ? only : null
}

/** OpenTelemetry's [{ key, value: { stringValue } }]. */
function* otelAttributes(list: readonly unknown[]): Generator<[string, string | number]> {
  for (const item of list.slice(0, 100)) {
    if (!isRecord(item) || typeof item.key !== 'string' || !isRecord(item.value)) continue
    const [value] = Object.values(item.value)
    if (typeof value === 'string' || typeof value === 'number') yield [item.key, value]
  }
}
