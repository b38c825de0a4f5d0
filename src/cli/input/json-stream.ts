/**
 * The values of a stream of JSON objects (`jq -c`, several runs of `kubectl get … -o json`). Null if the text is not
 * such a stream.
 */
export function jsonStream(text: string): unknown[] | null {
  if (!/^\s*\{/.test(text)) return null
  const values: unknown[] = []
  let depth = 0
  let from = 0
  // Strings are matched as a whole, because braces inside them are not syntax. An unterminated string extends to the
  // end.
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|[{}]/gs)) {
    if (token === '{' && depth++ === 0) {
      if (text.slice(from, index).trim() !== '') return null
      from = index
    }
    if (token !== '}' || --depth > 0) continue
    if (depth < 0) return null
    try {
      values.push(JSON.parse(text.slice(from, index + 1)))
    } catch {
      // It may be YAML in flow style.
      return null
    }
    from = index + 1
  }
  return depth === 0 && text.slice(from).trim() === '' ? values : null
}
