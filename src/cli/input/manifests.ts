import { readFileSync } from 'node:fs'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { jsonStream } from './json-stream.ts'
import { NotYaml, parseKubernetesYaml } from './kubernetes-yaml.ts'

/**
 * The objects in a file of YAML or JSON, or on standard input (`-`), as kubectl reads them. No error quotes a line,
 * because the input may contain a secret.
 * @throws BAD_REQUEST
 */
export function readManifests(source: string, warn: (message: string) => void): unknown[] {
  const what = source === '-' ? 'Standard input' : source
  let bytes: Buffer
  try {
    bytes = readFileSync(source === '-' ? 0 : source)
  } catch (cause) {
    throw new LunkeeperError('BAD_REQUEST', `${what} cannot be read: ${whyUnreadable(cause)}`, { cause })
  }
  return parseManifests(bytes, what, warn)
}

/** @param what the name of the input in messages @throws BAD_REQUEST */
export function parseManifests(bytes: Buffer, what: string, warn: (message: string) => void): unknown[] {
  const text = decoded(bytes)
  try {
    return jsonStream(text) ?? parseKubernetesYaml(text, (message) => warn(`${what}: ${message}`))
  } catch (error) {
    const line = error instanceof NotYaml ? error.line : null
    throw new LunkeeperError(
      'BAD_REQUEST',
      `${what} is neither YAML nor JSON${line ? `: line ${line}` : ''}`,
      {
        hint: 'Pass the output of `kubectl get pv -o yaml`.',
      },
    )
  }
}

/** PowerShell's `>` writes UTF-16. */
function decoded(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}
