import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { refusedBy } from '../hold/refusals.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { writeHoldNote } from '../state/records/hold-note.ts'
import { recordSeen } from '../state/records/history.ts'
import { readRecords } from '../state/records/volumes.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { disksOf, isReplaced, lookAtAttachment } from '../state/view/volume.ts'
import { mustNotBeWritten } from '../volumes/holding/misplaced.ts'
import { attach } from '../volumes/attach/attach.ts'
import type { AgentLog } from './log.ts'

/**
 * Reattaches the volumes that a reboot took away and that are held by their session or multipathd: these need no
 * agent otherwise.
 */
export function reattachHeldByOthers(host: Host, log: AgentLog, signal: AbortSignal): ReadonlySet<string> {
  const attaching = new Set<string>()
  for (const record of readRecords(host).attachments) {
    const { name } = record
    if (record.phase !== 'ready') continue
    if (isOfAnotherMachine(host, record)) {
      log.say(
        name,
        'not attached automatically: its record was written on another machine. If no other machine uses the volume any more, run the same attach here',
      )
      continue
    }
    if (record.mode === 'map' || record.orchestrator) continue
    if (mustNotBeWritten(host, record)) continue
    const view = lookAtAttachment(host, record)
    if (disksOf(view).length > 0 && !isReplaced(record, view)) continue
    attaching.add(name)
    void attach(host, asAsked(record), { observer: log.observer, signal, onlyAgain: true })
      .then(() => log.say(name, 'attached again', { code: 'reattached' }))
      .then(() => recordSeen(host, name, { event: 'reattached' }))
      .catch((error: unknown) => {
        noteLost(host, record, error)
        log.say(name, `not attached again: ${(error as Error).message}`)
      })
      .finally(() => attaching.delete(name))
  }
  return attaching
}

/** Another node has had the volume: it is not attached automatically any more, even once that node has given it back. */
function noteLost(host: Host, record: Attachment, error: unknown): void {
  const { cause, message: trouble, holder } = refusedBy(error)
  if (cause !== 'lost') return
  const { name } = record
  const { since, sinceMs } = momentNow()
  // A disk that an earlier attempt left is removed by the volume's monitor.
  const isClear = disksOf(lookAtAttachment(host, record)).length === 0
  const lost = {
    since,
    sinceMs,
    ended: 'fenced',
    kind: 'fenced',
    trouble,
    ...(isClear && { isClear }),
  } as const
  writeHoldNote(host, name, holder === undefined ? lost : { ...lost, holder })
}
