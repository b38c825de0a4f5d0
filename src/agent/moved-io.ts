import type { Host } from '../host/host.ts'
import { listNames } from '../host/read/attribute.ts'
import type { BlockStat } from '../host/read/block-stat.ts'
import { readBlockStat } from '../host/read/block-stat.ts'
import type { Attachment } from '../model/attachment.ts'
import type { ScsiDisk } from '../model/snapshot.ts'

/** A path of a volume: its disk on this node. */
export interface VolumePath {
  readonly record: Pick<Attachment, 'name'>
  readonly disk: ScsiDisk & { readonly name: string }
}

/** What had gone through a path at a moment. */
export interface IoSample {
  readonly at: Date
  readonly disk: BlockStat | null
  /** Of the map above the disk; null without one. */
  readonly map: { readonly name: string; readonly stat: BlockStat } | null
}

/** Knows, for each path, what had gone through it when the volume itself last answered there. */
export class MovedIo {
  readonly #host: Host
  readonly #answered = new Map<string, IoSample>()

  constructor(host: Host) {
    this.#host = host
  }

  sample({ disk: { name } }: VolumePath): IoSample {
    return { at: new Date(), disk: readBlockStat(this.#host.paths, name), map: this.#mapAbove(name) }
  }

  /** The volume itself answered. @param before taken before the question was sent: later I/O may have gone elsewhere */
  answered(path: VolumePath, before: IoSample): void {
    this.#answered.set(keyOf(path), before)
  }

  /** The volume's I/O that has gone through a path since the volume itself last answered there: in words, or null for none. */
  since(path: VolumePath): string | null {
    const { name } = path.disk
    const before = this.#answered.get(keyOf(path))
    const now = this.sample(path)
    if (!before?.disk || !now.disk)
      return `I/O sent through ${name} before the volume first answered there may have reached another volume`
    const written = now.disk.bytesWritten - before.disk.bytesWritten
    // udev and others read the disk itself when it changes; what the volume's users read goes through its map.
    const read =
      now.map && before.map && now.map.name === before.map.name
        ? now.map.stat.bytesRead - before.map.stat.bytesRead
        : now.disk.bytesRead - before.disk.bytesRead
    const { inFlight } = now.disk
    if (read === 0 && written === 0 && inFlight === 0) return null
    const more = inFlight === 0 ? '' : ` and ${inFlight} requests are on their way`
    return `since ${before.at.toISOString()} ${written} bytes were written and ${read} bytes read through ${name}${more}, which may have gone to or come from it`
  }

  /** Forgets all other paths. */
  retain(paths: readonly VolumePath[]): void {
    const present = new Set(paths.map(keyOf))
    for (const key of this.#answered.keys()) if (!present.has(key)) this.#answered.delete(key)
  }

  #mapAbove(disk: string): IoSample['map'] {
    const [name, another] = listNames(`${this.#host.paths.sys}/class/block/${disk}/holders`)
    if (name === undefined || another !== undefined) return null
    const stat = readBlockStat(this.#host.paths, name)
    return stat && { name, stat }
  }
}

/** A disk that was deleted and created again gets another key, even under the same name. */
function keyOf({ record, disk }: VolumePath): string {
  return `${record.name} ${disk.sid} ${disk.name} ${disk.hctl.lun}`
}
