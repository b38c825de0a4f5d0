import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Wwid } from '../../model/wwid.ts'
import { sameWwid } from '../../model/wwid.ts'
import { HandError } from '../hand/hand.ts'
import type { VitalPage } from '../hand/protocol.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { serialOf, wwidOf } from '../read/vpd.ts'

const PAGE_SERIAL = 0x80
const PAGE_IDENTIFICATION = 0x83

/** A healthy disk answers within a millisecond; one that does not is looked after by the state of its session. */
const GLANCE_DEADLINE_MS = 5_000

/** A disk, and the one thing by which it is told from others here. */
export interface Glanced {
  readonly disk: ScsiDisk
  readonly wwid: Wwid | null
  readonly serial: string | null
}

/** `same`, `other` (another volume answers), `absent` (the target has no such LUN), `silent` (no answer now). */
export type Glance = 'same' | 'other' | 'absent' | 'silent'

/**
 * Whether several disks of one session still are the volumes that they were: one SCSI command each, in one worker
 * process. The quick form of `identify` for disks that were identified before; `other` is to be confirmed by it.
 */
export async function glance(host: Host, disks: readonly Glanced[]): Promise<Glance[]> {
  const asked = disks.filter(({ disk }) => disk.sg !== null)
  const first = asked[0]
  if (!first) return disks.map(() => 'silent')
  const pages = await pagesOf(host, asked)
  return disks.map((one) => {
    const page = pages[asked.indexOf(one)]
    return page === undefined ? 'silent' : compared(one, page)
  })
}

async function pagesOf(host: Host, asked: readonly Glanced[]): Promise<readonly (VitalPage | undefined)[]> {
  const disks = asked.map(({ disk, wwid }) => ({
    sg: deviceNode(host, disk.sg!),
    page: wwid === null ? PAGE_SERIAL : PAGE_IDENTIFICATION,
  }))
  const { sid } = asked[0]!.disk
  try {
    return await host.hands.use(`the identity of session ${sid}'s disks`, (hand) =>
      hand.call('vital', { path: disks[0]!.sg, disks }, GLANCE_DEADLINE_MS),
    )
  } catch (error) {
    if (error instanceof HandError) return []
    throw error
  }
}

function compared({ wwid, serial }: Glanced, page: VitalPage): Glance {
  if (page === null) return 'absent'
  if (!(page instanceof Uint8Array)) return 'silent'
  const data = Buffer.from(page)
  if (wwid === null) return serialOf(data) === serial ? 'same' : 'other'
  const seen = wwidOf(data)
  return seen !== null && sameWwid(seen, wwid) ? 'same' : 'other'
}
