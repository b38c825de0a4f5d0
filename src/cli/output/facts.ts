import { wrap } from './wrap.ts'
import type { Look } from './look.ts'

/** Facts, one per line, with values in one column. A fact with an empty name continues the previous one. */
export function facts(known: readonly (readonly [name: string, value: string])[], look: Look): string {
  const indent = Math.max(...known.map(([name]) => name.length)) + 4
  return known
    .flatMap(([name, value]) =>
      wrap(value, look.width - indent).map((text, index) => {
        const label = `  ${index === 0 ? name : ''}`.padEnd(indent)
        return `${look.paint('dim', label)}${text}\n`
      }),
    )
    .join('')
}
