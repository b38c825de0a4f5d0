import type { Host } from '../host/host.ts'
import { listNames } from '../host/read/attribute.ts'
import type { BlockStat } from '../host/read/block-stat.ts'
import { diskSequence, isCounted, readBlockStat, writesInFlight } from '../host/read/block-stat.ts'
import type { Attachment } from '../model/attachment.ts'
import type { ScsiDisk } from '../model/snapshot.ts'

/** A path of a volume: its disk on this node. */
export interface VolumePath {
  readonly record: Pick<Attachment, 'name'>
  readonly disk: ScsiDisk & { readonly name: string }
}

/** A block device's counters at one moment. */
interface Counters {
  readonly name: string
  /** Identifies this device: another device may have had its name. */
  readonly sequence: string | null
  readonly stat: BlockStat
}

/** What had gone through a path at one moment. */
export interface IoSample {
  readonly at: Date
  readonly disk: Counters | null
  /** Of the map above the disk; null without one. */
  readonly map: Counters | null
}

/** Records, for each path, what had gone through it when the volume itself last answered there. */
export class MovedIo {
  readonly #host: Host
  readonly #answered = new Map<string, IoSample>()

  constructor(host: Host) {
    this.#host = host
  }

  sample({ disk: { name } }: VolumePath): IoSample {
    const at = new Date()
    try {
      const [above, another] = listNames(`${this.#host.paths.sys}/class/block/${name}/holders`)
      const map = above === undefined || another !== undefined ? null : this.#countersOf(above)
      return { at, disk: this.#countersOf(name), map }
    } catch {
      // This process cannot open files at the moment.
      return { at, disk: null, map: null }
    }
  }

  /** The volume itself answered. @param before taken before the question was sent: later I/O may have gone to another volume */
  answered(path: VolumePath, before: IoSample): void {
    this.#answered.set(keyOf(path), before)
  }

  /**
   * Describes the volume's I/O that has gone through a path since the volume itself last answered there; null if
   * there was none.
   */
  since(path: VolumePath): string | null {
    try {
      return this.#since(path)
    } catch (error) {
      return `the I/O that went through ${path.disk.name} is not known: ${String(error)}`
    }
  }

  #since(path: VolumePath): string | null {
    const { name } = path.disk
    const before = this.#answered.get(keyOf(path))
    const now = this.sample(path)
    const unknown = (why: string) => `${why}, so I/O sent through ${name} may have reached that volume`
    if (!before) return unknown('the volume has not answered there before')
    if (!before.disk || !now.disk || !isSame(before.disk, now.disk) || !this.#isCounted(now.disk, now.map))
      return unknown(`the I/O of ${name} was not counted`)
    // udev and other programs read the disk itself when it changes; the volume's users read through its map.
    const isSameMap = isSame(before.map, now.map)
    const [from, to] = isSameMap ? [before.map!.stat, now.map!.stat] : [before.disk.stat, now.disk.stat]
    const read = to.bytesRead - from.bytesRead
    const flushes = to.flushes - from.flushes
    const written = now.disk.stat.bytesWritten - before.disk.stat.bytesWritten
    const pending = isSameMap ? this.#writesInFlight(name) : now.disk.stat.inFlight
    if (read === 0 && written === 0 && flushes === 0 && pending === 0) return null
    const counts = [
      `${written} bytes were written through ${name}`,
      `${read} bytes read through ${isSameMap ? 'its map' : name}`,
      ...(flushes === 0 ? [] : [`its cache flushed ${flushes}×`]),
      ...(pending === 0 ? [] : [`${pending} more in flight`]),
    ]
    return `since ${before.at.toISOString()} ${counts.join(', ')}, which may have gone to or come from it`
  }

  /** Forgets all other paths. */
  retain(paths: readonly VolumePath[]): void {
    const present = new Set(paths.map(keyOf))
    for (const key of this.#answered.keys()) if (!present.has(key)) this.#answered.delete(key)
  }

  #countersOf(name: string): Counters | null {
    const { paths } = this.#host
    const stat = readBlockStat(paths, name)
    return stat && { name, sequence: diskSequence(paths, name), stat }
  }

  #isCounted(...devices: readonly (Counters | null)[]): boolean {
    return devices.every((device) => device === null || isCounted(this.#host.paths, device.name))
  }

  /** If this cannot be read, assume that writes are in flight. */
  #writesInFlight(name: string): number {
    return writesInFlight(this.#host.paths, name) ?? 1
  }
}

function isSame(one: Counters | null, other: Counters | null): boolean {
  return one !== null && one.name === other?.name && one.sequence === other.sequence
}

function keyOf({ record, disk }: VolumePath): string {
  return `${record.name} ${disk.sid} ${disk.name} ${disk.hctl.lun}`
}
