import { readFileSync } from 'node:fs'

/** The version of the package that this file, or the program built from it, belongs to. */
export function version(): string {
  const manifest = import.meta.url.endsWith('.ts') ? '../../package.json' : '../package.json'
  const text = readFileSync(new URL(manifest, import.meta.url), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}
