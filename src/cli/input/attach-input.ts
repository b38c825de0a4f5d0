import { dirname, resolve } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import type { VolumeRequest } from '../../model/request.ts'
import type { Chap } from '../../model/secret.ts'
import type { Context } from '../command.ts'
import { readChap } from './chap-file.ts'
import type { Origin, VolumeValues } from './volume-request.ts'
import { parseVolumeRequest } from './volume-request.ts'

interface AttachValues extends VolumeValues {
  readonly file?: string
}

/** Validates the input of `attach`, which comes from flags or from a volume file. */
export async function parseAttachInput(
  { file, ...flags }: AttachValues,
  context: Pick<Context, 'warn'>,
): Promise<{ request: VolumeRequest; chap: Chap | null }> {
  if (file === undefined) return validated(flags, FROM_FLAGS, context)
  const [otherFlag] = Object.keys(flags)
  if (otherFlag !== undefined)
    throw new LunkeeperError('BAD_REQUEST', `--${otherFlag} cannot be combined with a volume file`, {
      hint: `Set "${otherFlag}" in the file, or give everything as flags.`,
    })
  const { readVolumeFile } = await import('./volume-file.ts')
  const { values, origin } = await readVolumeFile(file)
  return validated({ ...values, ...resolveChapFile(file, values) }, origin, context)
}

async function validated(values: VolumeValues, origin: Origin, context: Pick<Context, 'warn'>) {
  const request = parseVolumeRequest(values, origin)
  const source = values['chap-file']
  return { request, chap: source === undefined ? null : await readChap(source, context.warn) }
}

/** Resolves a relative `chap-file` in a volume file against the directory of that file. */
function resolveChapFile(file: string, values: VolumeValues): Pick<VolumeValues, 'chap-file'> {
  const chap = values['chap-file']
  if (chap === undefined || chap === '-' || chap.startsWith('fd:') || file === '-') return {}
  return { 'chap-file': resolve(dirname(file), chap) }
}

const FROM_FLAGS: Origin = {
  field: (name) => `--${name}`,
  place: () => '',
  missing: (names) =>
    new LunkeeperError(
      'USAGE',
      `attach requires ${names.map((name) => `--${name}`).join(', ')}: ${names.length === 1 ? 'it is' : 'they are'} missing`,
      {
        hint: 'See `lunkeeper attach --help`, or describe the volume in a file: `lunkeeper attach -f volume.yaml`.',
      },
    ),
}
