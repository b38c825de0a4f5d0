import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** `SHA256SUMS` of all that is in a directory, as sha256sum(1) checks it. */
export async function writeChecksums(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name !== 'SHA256SUMS').toSorted()
  const lines: string[] = []
  for (const name of names) lines.push(`${await digestOf(join(directory, name), 'sha256')}  ${name}\n`)
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''))
}

/** In hexadecimal. */
export async function digestOf(file: string, algorithm: 'sha256' | 'md5'): Promise<string> {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
