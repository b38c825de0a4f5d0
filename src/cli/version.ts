import { readFileSync } from 'node:fs'

import { packageRoot } from './package-root.ts'

/** Version of the package that contains this file, or the program built from it. */
export function version(): string {
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}
