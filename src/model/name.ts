import type { Branded } from './brand.ts'
import { LunkeeperError } from './errors.ts'
import type { Iqn } from './iqn.ts'
import type { Lun } from './lun.ts'

/** The user's name for an attachment; also the name of its record's file. */
export type VolumeName = Branded<string, 'VolumeName'>

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

export function isName(text: string): text is VolumeName {
  return NAME.test(text)
}

/** Letters, digits, dots, dashes and underscores, starting with a letter or a digit. @throws BAD_NAME */
export function parseName(text: string): VolumeName {
  if (!isName(text)) throw new LunkeeperError('BAD_NAME', `"${text}" is not a valid volume name`)
  return text
}

/**
 * The name of a volume whose request has no name: the last words of its target's name, and its LUN. `salt`
 * distinguishes two targets that end in the same words.
 */
export function defaultName(iqn: Iqn, lun: Lun, salt = ''): VolumeName {
  const words = iqn
    .split(':')
    .at(-1)!
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(-96)
    .replace(/^[^A-Za-z0-9]+/, '')
  return `${words || 'volume'}${salt && `-${salt}`}-lun${lun}` as VolumeName
}
