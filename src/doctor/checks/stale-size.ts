import type { Finding } from '../finding.ts'
import { lookAtAttachment } from '../../state/view/volume.ts'
import { askDisks } from '../asked.ts'
import type { VolumeCheck } from '../check.ts'

/** The size of a disk in bytes: as its target reports it now, and as the kernel uses it. */
export interface Sizes {
  readonly disk: string
  readonly target: number
  readonly kernel: number
}

export const staleSize: VolumeCheck = {
  name: 'the size',
  async volume({ host }, patient) {
    const { record, status } = patient
    if (record.phase !== 'ready' || status.state !== 'ready') return []
    const asked = await askDisks(host, patient)
    const disks = asked.flatMap(({ disk, answer }) =>
      'identity' in answer
        ? [{ disk: disk.name ?? 'its disk', target: answer.identity.bytes, kernel: disk.bytes }]
        : [],
    )
    const maps = lookAtAttachment(host, record).maps.map(({ name, bytes }) => ({ name, bytes }))
    return judgeSizes(record.name, disks, maps)
  },
}

/** An ALUA path that cannot be used now reports no size; that proves nothing. */
export function judgeSizes(
  volume: string,
  disks: readonly Sizes[],
  maps: readonly { readonly name: string; readonly bytes: number }[],
): Finding[] {
  const sized = disks.filter(({ target }) => target > 0)
  const shrunk = sized.find(({ target, kernel }) => target < kernel)
  const grown = sized.find(({ target, kernel }) => target > kernel)
  const smallest = Math.min(...sized.map(({ kernel }) => kernel))
  const short = maps.find(({ bytes }) => bytes > 0 && sized.length > 0 && bytes < smallest)
  if (!shrunk && !grown && !short) return []
  const evidence = { disks: sized, maps }
  if (shrunk)
    return [
      {
        code: 'STALE_SIZE',
        severity: 'critical',
        subject: volume,
        message: `the LUN shrank: ${shrunk.disk} has ${shrunk.target} bytes on the target, but the kernel uses ${shrunk.kernel}. I/O beyond its end fails`,
        evidence,
        fix: 'Give the LUN its former size on the storage system before anything is written. A file system does not survive this.',
      },
    ]
  const message =
    grown?.kernel === 0
      ? `the kernel fails all I/O through ${grown.disk}: it read the disk while its LUN did not answer, and assumes a size of 0. The target reports ${grown.target}`
      : grown
        ? `the LUN grew to ${grown.target} bytes, but the kernel uses ${grown.kernel} of ${grown.disk}`
        : `the map ${short!.name} has ${short!.bytes} bytes, its disks ${smallest}`
  return [
    {
      code: 'STALE_SIZE',
      severity: 'warning',
      subject: volume,
      message,
      evidence,
      fix: `lunkeeper expand ${volume}`,
    },
  ]
}
