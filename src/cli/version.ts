import { readFileSync } from 'node:fs'

import { packageRoot } from './package-root.ts'

/** Set by the bundler (scripts/bundle.mjs): a built program needs no package.json. */
declare const LUNKEEPER_VERSION: string | undefined

/** Version of the package that contains this file, or the program built from it. */
export function version(): string {
  if (typeof LUNKEEPER_VERSION === 'string') return LUNKEEPER_VERSION
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}
