import { readFileSync } from 'node:fs'

import { packageRoot } from './package-root.ts'

/** Put in by the bundler (scripts/bundle.mjs): a program that was built needs no package.json to know it. */
declare const LUNKEEPER_VERSION: string | undefined

/** The version of the package that this file, or the program built from it, belongs to. */
export function version(): string {
  if (typeof LUNKEEPER_VERSION === 'string') return LUNKEEPER_VERSION
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}
