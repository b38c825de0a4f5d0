import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'

/** The requested volume is already attached under another name. @param advice besides using that one, or detaching it */
export function attachedAlready(
  { name, request: { iqn, lun, use }, identity }: Attachment,
  message: string,
  advice = '',
): LunkeeperError {
  return new LunkeeperError('ATTACHED_ALREADY', message, {
    hint: `Use ${name}, or detach it first: lunkeeper detach ${name}${advice}`,
    details: { name, iqn, lun, mount: use.mount, wwid: identity?.wwid ?? null },
  })
}
