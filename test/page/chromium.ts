import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Chromium of this machine, or the one that LUNKEEPER_CHROMIUM names. */
export async function findChromium(): Promise<string> {
  const named = process.env.LUNKEEPER_CHROMIUM
  if (named) return named
  const directories = (process.env.PATH ?? '').split(delimiter)
  const found = ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => [...directories, '/usr/bin'].map((directory) => join(directory, name)))
    .find((path) => existsSync(path))
  if (found) return found
  throw new Error(
    'Chromium was not found: install it (Debian: chromium), or set LUNKEEPER_CHROMIUM to its path',
  )
}
