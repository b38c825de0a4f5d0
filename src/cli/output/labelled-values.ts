import { wrap } from './wrap.ts'
import type { Display } from './display.ts'

/** Values with their labels, one per line, in two columns. An empty label continues the previous value. */
export function labelledValues(
  values: readonly (readonly [label: string, value: string])[],
  display: Display,
): string {
  const indent = Math.max(...values.map(([label]) => label.length)) + 4
  return values
    .flatMap(([label, value]) =>
      wrap(value, display.width - indent).map((text, index) => {
        const start = `  ${index === 0 ? label : ''}`.padEnd(indent)
        return `${display.paint('dim', start)}${text}\n`
      }),
    )
    .join('')
}
