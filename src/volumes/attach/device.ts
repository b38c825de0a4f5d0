import { withClaim } from '../../host/disk/claim.ts'
import { whenAppears } from '../../host/disk/appear.ts'
import type { Host } from '../../host/host.ts'
import { deviceNode } from '../../host/host.ts'
import { addPath } from '../../host/map/multipath.ts'
import { readDisk } from '../../host/read/disks.ts'
import { isMultipath, readMap } from '../../host/read/maps.ts'
import { isMultipathdRunning } from '../../host/read/node.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { HoldMode } from '../../model/hold.ts'
import type { VolumeRequest } from '../../model/request.ts'
import type { DmMap } from '../../model/snapshot.ts'
import type { Stepper } from '../step.ts'
import type { Device } from '../users.ts'
import { deviceOf, deviceOfMap } from '../users.ts'
import type { Path } from './path.ts'

/** multipathd makes a map within a second; a busy one may wait for its checkers. */
const MAP_DEADLINE = 20_000

export interface ChosenDevice {
  readonly device: Device
  readonly map: DmMap | null
  readonly mode: HoldMode
}

interface DeviceWork {
  readonly host: Host
  readonly request: VolumeRequest
  readonly steps: Stepper
  readonly note: (change: Partial<Attachment>) => void
}

/** The device that stands for the volume: multipathd's map over its paths, or the one disk. @throws MAP_FAILED */
export async function chooseDevice(work: DeviceWork, paths: readonly Path[]): Promise<ChosenDevice> {
  const { host, request, steps } = work
  const first = paths[0]!
  if (request.hold.mode === 'map')
    throw new LunkeeperError('MAP_FAILED', 'a hold map needs the agent, and no agent runs', {
      hint: 'Leave out --hold-mode: the hold is then kept by the session, or by multipathd.',
    })
  const existing = mapOver(host, request, paths)
  if (existing) return withMap(existing)
  const running = isMultipathdRunning(host.paths)
  if (request.hold.mode === 'multipathd' && !running)
    throw new LunkeeperError('MAP_FAILED', 'multipathd does not run', { hint: 'systemctl start multipathd' })
  if (
    running &&
    request.hold.mode !== 'session' &&
    (request.portals.length > 1 || request.hold.mode === 'multipathd')
  )
    return withMap(await makeMap(work, paths))
  if (running && (await multipathdWants(host, first.disk.name)))
    return withMap(await waitForMap(host, request, paths))
  if (paths.length > 1)
    steps.warn('multipathd does not run: the volume uses one path, and does not fail over to the others')
  return { device: deviceOf(first.disk)!, map: null, mode: 'session' }
}

function withMap(map: DmMap): ChosenDevice {
  return { device: deviceOfMap(map), map, mode: 'multipathd' }
}

/** The multipath map that holds one of the paths now; they are read anew. */
function mapOver(host: Host, request: VolumeRequest, paths: readonly Path[]): DmMap | null {
  for (const { session } of paths) {
    const disk = readDisk(host.paths, session, request.lun, { identity: false })
    for (const holder of disk?.holders ?? []) {
      const map = readMap(host.paths, holder)
      if (map && isMultipath(map)) return map
    }
  }
  return null
}

async function makeMap({ host, request, steps, note }: DeviceWork, paths: readonly Path[]): Promise<DmMap> {
  const names = paths.map(({ disk }) => disk.name)
  return steps.step('make-map', names.join(', '), async () => {
    note({ knownToMultipath: true })
    for (const name of names) await addPath(host, name)
    return waitForMap(host, request, paths)
  })
}

async function waitForMap(host: Host, request: VolumeRequest, paths: readonly Path[]): Promise<DmMap> {
  const map = await whenAppears(host, () => mapOver(host, request, paths), MAP_DEADLINE)
  if (map) return map
  throw new LunkeeperError(
    'MAP_FAILED',
    `multipathd made no map of ${paths.map(({ disk }) => disk.name).join(', ')}`,
  )
}

/** Whether multipathd would take a single path too (find_multipaths no, greedy; a WWID it knows). */
async function multipathdWants(host: Host, disk: string): Promise<boolean> {
  const ran = await host.run('multipath', ['-c', deviceNode(host, disk)], { deadline: 15_000 })
  // It says yes also for a disk that it would like but has not got: then it is claimed in no time, or free.
  return ran.code === 0 && (await withClaim(host, disk, async () => true)) === null
}
