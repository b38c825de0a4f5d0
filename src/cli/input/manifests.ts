import { readFileSync } from 'node:fs'

import { parseAllDocuments } from 'yaml'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from './file-error.ts'

/**
 * The objects of a file of YAML or JSON, or of standard input (`-`). No error quotes a line of it: there may be
 * a secret in it.
 * @throws BAD_REQUEST
 */
export function readManifests(source: string): unknown[] {
  const what = source === '-' ? 'Standard input' : source
  let text: string
  try {
    text = readFileSync(source === '-' ? 0 : source, 'utf8')
  } catch (cause) {
    throw new LunkeeperError('BAD_REQUEST', `${what} cannot be read: ${whyUnreadable(cause)}`, { cause })
  }
  const documents = parseAllDocuments(text, { prettyErrors: true, logLevel: 'silent' })
  if ('empty' in documents) return []
  for (const { errors } of documents) {
    const [first] = errors
    const line = first?.linePos?.[0].line
    if (first)
      throw new LunkeeperError(
        'BAD_REQUEST',
        `${what} is neither YAML nor JSON${line ? `: line ${line}` : ''}`,
        {
          hint: 'Give it what `kubectl get pv -o yaml` prints.',
        },
      )
  }
  return documents.map((document) => document.toJS() as unknown)
}
