import type { Registry } from '@prometheus-io/client'
import { Gauge } from '@prometheus-io/client'

import type { Host } from '../../host/host.ts'
import type { AttachmentState, VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { listVolumes } from '../../state/view/list.ts'

const STATES: readonly AttachmentState[] = [
  'ready',
  'holding',
  'failed',
  'fenced',
  'misplaced',
  'attaching',
  'detaching',
]

/**
 * Gauges of the volumes, read from the kernel. The series of a volume are removed when it is detached.
 * @returns a function that reads the current values, to be called before each scrape
 */
export function volumeMetrics(host: Host, registers: Registry[]): () => Promise<void> {
  const ofVolume = (name: string, help: string) =>
    new Gauge({ name: `lunkeeper_volume_${name}`, help, labelNames: ['volume'], registers })
  const wanted = ofVolume('hold_wanted_seconds', 'Requested hold of the volume.')
  const effective = ofVolume(
    'hold_effective_seconds',
    'Effective hold of the volume, as the kernel is currently set.',
  )
  const left = ofVolume('hold_left_seconds', 'Time until held I/O fails; present only during an outage.')
  const paths = ofVolume('paths', 'Configured paths of the volume.')
  const usable = ofVolume('paths_usable', 'Paths of the volume that currently carry I/O.')
  const bytes = ofVolume('size_bytes', 'Size of the volume.')
  const guards = new Gauge({
    name: 'lunkeeper_volume_guard_info',
    help: 'What keeps a second node from writing to the volume: reservation, kubernetes, mark or none. Always 1.',
    labelNames: ['volume', 'guard'],
    registers,
  })
  const owned = ofVolume(
    'owned',
    'Whether this node may write to the volume: 1, or 0 where another node has it.',
  )
  const states = new Gauge({
    name: 'lunkeeper_volumes',
    help: 'Volumes of this node by state.',
    labelNames: ['state'],
    registers,
  })
  const corrupt = new Gauge({
    name: 'lunkeeper_records_corrupt',
    help: 'Volume records that cannot be parsed.',
    registers,
  })

  function show(volume: VolumeStatus): void {
    const labels = { volume: volume.name }
    wanted.set(labels, secondsOf(volume.hold.wanted))
    effective.set(labels, secondsOf(volume.hold.effective))
    if (volume.state === 'holding') left.set(labels, leftOf(volume))
    paths.set(labels, volume.paths.length)
    usable.set(labels, volume.paths.filter(isPathUp).length)
    guards.set({ ...labels, guard: volume.owner.guard }, 1)
    if (volume.owner.mine !== null) owned.set(labels, volume.owner.mine ? 1 : 0)
    if (volume.identity) bytes.set(labels, volume.identity.bytes)
  }

  return async () => {
    const found = await listVolumes(host)
    for (const gauge of [wanted, effective, left, paths, usable, bytes, guards, owned]) gauge.reset()
    for (const volume of found.volumes) show(volume)
    for (const state of STATES)
      states.set({ state }, found.volumes.filter((volume) => volume.state === state).length)
    corrupt.set(found.corrupt.length)
  }
}

function secondsOf(hold: Hold): number {
  return hold === 'forever' ? Infinity : hold
}

function leftOf({ hold }: VolumeStatus): number {
  return hold.deadline === null
    ? secondsOf(hold.effective)
    : Math.max(0, (Date.parse(hold.deadline) - Date.now()) / 1000)
}
