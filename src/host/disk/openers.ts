import { formatHctl } from '../../model/hctl.ts'
import type { BlockRef, ScsiDisk } from '../../model/snapshot.ts'
import type { DeviceFile } from '../worker/protocol.ts'
import { callFailed } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { readAttribute } from '../read/attribute.ts'

/** Thousands of processes take less than a second; nothing that is read here can block. */
const DEADLINE_MS = 15_000

/** A block device; for a SCSI disk with its other nodes, sg and bsg, and its partitions. */
export type Openable = BlockRef &
  Partial<Pick<ScsiDisk, 'sg' | 'hctl'>> & { readonly partitions?: readonly BlockRef[] }

/**
 * The processes, other than this one and its children, that have one of these devices or a partition of it open,
 * whether or not they claimed it. The disk of a virtual machine is visible only this way. Devices are recognized by
 * number, so this also works for a container in which their node has another name. Users inside the kernel (loop,
 * swap, nfsd) have no process; most of them claim the device.
 * @throws STUCK the processes cannot be read
 */
export async function findOpeners(host: Host, devices: readonly Openable[]): Promise<readonly DeviceFile[]> {
  const blocks = devices.flatMap((device) => [device, ...(device.partitions ?? [])])
  const characters = devices.flatMap((device) => charactersOf(host, device))
  if (blocks.length === 0) return []
  const args = {
    path: host.paths.proc,
    devices: [...blocks.map(({ devno }) => `b${devno}`), ...characters.map((devno) => `c${devno}`)],
    nodes: blocks.map(({ name }) => deviceNode(host, name)),
  }
  return host.workers
    .use(null, (worker) => worker.call('deviceFiles', args, DEADLINE_MS))
    .catch(callFailed('STUCK', `cannot determine which processes have ${blocks[0]!.name} open`))
}

function charactersOf({ paths: { sys } }: Host, { sg, hctl }: Openable): string[] {
  const generic = sg ? readAttribute(`${sys}/class/scsi_generic/${sg}/dev`) : null
  const bsg = hctl ? readAttribute(`${sys}/class/bsg/${formatHctl(hctl)}/dev`) : null
  return [generic, bsg].filter((devno) => devno !== null)
}
