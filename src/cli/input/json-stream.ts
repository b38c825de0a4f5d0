/**
 * The values of a text of JSON objects, one after the other (`jq -c`, `kubectl get … -o json` more than once). Null: it is
 * not such a text.
 */
export function jsonStream(text: string): unknown[] | null {
  if (!/^\s*\{/.test(text)) return null
  const values: unknown[] = []
  let depth = 0
  let from = 0
  // Texts as a whole, because a brace in one means nothing.
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{' && depth++ === 0) {
      if (text.slice(from, index).trim() !== '') return null
      from = index
    }
    if (token !== '}' || --depth > 0) continue
    if (depth < 0) return null
    try {
      values.push(JSON.parse(text.slice(from, index + 1)))
    } catch {
      // YAML in braces, perhaps.
      return null
    }
    from = index + 1
  }
  return depth === 0 && text.slice(from).trim() === '' ? values : null
}
