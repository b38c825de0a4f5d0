import { readFileSync } from 'node:fs'

import { utf16Encoding } from '../../explain/read/character-set.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { jsonStream } from './json-stream.ts'
import { NotYaml, parseKubernetesYaml } from './kubernetes-yaml.ts'

/**
 * Reads the objects in a file of YAML or JSON, or on standard input (`-`), as kubectl does. No error quotes the input, because
 * it may contain a secret.
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
  const text = new TextDecoder(utf16Encoding(bytes) ?? 'utf-8').decode(bytes)
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
