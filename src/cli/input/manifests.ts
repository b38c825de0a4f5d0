import { utf16Encoding } from '../../explain/read/character-set.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { readInput } from './input-bytes.ts'
import { jsonStream } from './json-stream.ts'
import { NotYaml, parseKubernetesYaml } from './kubernetes-yaml.ts'

/** About 20,000 volumes. Parsing YAML takes a hundred times as much memory. */
const MAX_BYTES = 32 << 20

/**
 * Reads the objects in a file of YAML or JSON, or on standard input (`-`), as kubectl does. No error quotes the input, because
 * it may contain a secret.
 * @throws BAD_REQUEST
 */
export async function readManifests(source: string, warn: (message: string) => void): Promise<unknown[]> {
  const what = source === '-' ? 'Standard input' : source
  const { bytes } = await readInput(source, MAX_BYTES).catch((cause: unknown) => {
    throw new LunkeeperError('BAD_REQUEST', `${what} cannot be read: ${whyUnreadable(cause)}`, { cause })
  })
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
