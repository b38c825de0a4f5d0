import type { Registration } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Wwid } from '../../model/wwid.ts'
import { sameWwid } from '../../model/wwid.ts'
import { WorkerError } from '../worker/worker.ts'
import type { VitalAnswer } from '../worker/protocol.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { hasItsNames } from '../read/disks.ts'
import { generationOf, reservationHolder } from '../read/reservation-data.ts'
import { serialOf, wwidOf } from '../read/vpd.ts'

const PAGE_SERIAL = 0x80
const PAGE_IDENTIFICATION = 0x83

/** A healthy disk answers within a millisecond. If it does not answer, the state of its session is decisive. */
const CHECK_DEADLINE_MS = 5_000

/** A disk with the identity that it is expected to have: a WWID, a serial, or both. */
export interface CheckedDisk {
  readonly disk: ScsiDisk
  readonly wwid: Wwid | null
  readonly serial: string | null
  /** This node's registration; null if the reservation is not checked. */
  readonly fence: Registration | null
  /** The target's generation of keys when they were last read; null if they have not been read. */
  readonly generation: number | null
}

/**
 * - `same`: the expected volume answers
 * - `other`: another volume answers
 * - `registered`: the same, and it is reserved for this node; keys have been registered or removed since `generation`
 * - `taken`: the expected volume answers, but this node's key does not have its reservation, or the target does not say who has it
 * - `absent`: the target has no such LUN
 * - `silent`: no answer now
 */
export type IdentityCheck = 'same' | 'registered' | 'other' | 'taken' | 'absent' | 'silent'

/**
 * Whether several disks of one session are still the expected volumes, and still reserved for this node: one or two
 * SCSI commands for each, in one worker process. A quick form of {@link identify} for disks that have been
 * identified before; the caller confirms `other` with it.
 */
export async function checkIdentities(host: Host, disks: readonly CheckedDisk[]): Promise<IdentityCheck[]> {
  const asked = disks.filter(({ disk }) => disk.sg !== null)
  const first = asked[0]
  if (!first) return disks.map(() => 'silent')
  const answers = await answersOf(host, asked)
  return disks.map((one) => {
    const told = answers[asked.indexOf(one)]
    if (told === undefined) return 'silent'
    const answer = compared(one, told)
    // The answer may be from another disk, to which the kernel has given this one's name.
    return isSame(answer) || hasItsNames(host.paths, one.disk) ? answer : 'silent'
  })
}

const isSame = (answer: IdentityCheck) => answer === 'same' || answer === 'registered'

/** Both, where both are known: LIO derives one WWID from serials that differ in other than hexadecimal digits. */
function pagesOf({ wwid, serial }: CheckedDisk): number[] {
  const pages = [...(wwid === null ? [] : [PAGE_IDENTIFICATION]), ...(serial === null ? [] : [PAGE_SERIAL])]
  return pages.length === 0 ? [PAGE_SERIAL] : pages
}

async function answersOf(
  host: Host,
  asked: readonly CheckedDisk[],
): Promise<readonly (VitalAnswer | undefined)[]> {
  const disks = asked.map((one) => ({
    sg: deviceNode(host, one.disk.sg!),
    pages: pagesOf(one),
    reservation: one.fence !== null,
  }))
  const { sid } = asked[0]!.disk
  try {
    return await host.workers.use(`the identity of session ${sid}'s disks`, (worker) =>
      worker.call('vital', { path: disks[0]!.sg, disks }, CHECK_DEADLINE_MS),
    )
  } catch (error) {
    if (error instanceof WorkerError) return []
    throw error
  }
}

function compared(one: CheckedDisk, { pages, reservation }: VitalAnswer): IdentityCheck {
  if (pages === null) return 'absent'
  if ('errno' in pages) return 'silent'
  if (!pagesOf(one).every((page, index) => isExpected(one, page, Buffer.from(pages[index]!)))) return 'other'
  const { fence, generation } = one
  if (fence === null || reservation === null) return 'same'
  // A target that no longer answers this, for example because its reservations were switched off, guards nothing.
  if (reservation === 'refused') return 'taken'
  if (reservationHolder(reservation)?.key !== fence.key) return 'taken'
  return generationOf(reservation) === generation ? 'same' : 'registered'
}

function isExpected({ wwid, serial }: CheckedDisk, page: number, data: Buffer): boolean {
  if (page === PAGE_SERIAL) return serialOf(data) === serial
  const seen = wwidOf(data)
  return seen !== null && wwid !== null && sameWwid(seen, wwid)
}
