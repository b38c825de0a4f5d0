import type { DetachReport } from '../../model/attachment.ts'
import { labelledValues } from './labelled-values.ts'
import type { Display } from './display.ts'

/** The result of a detach. */
export function detachText({ name, removed, left }: DetachReport, display: Display): string {
  const { mounts, maps, disks, sessions } = removed
  const known = (
    [
      ['unmounted', mounts],
      ['maps', maps],
      ['disks', disks],
      ['sessions', sessions],
      ['left', left],
    ] as const
  )
    .filter(([, values]) => values.length > 0)
    .map(([what, values]) => [what, values.join(', ')] as const)
  const title = `${display.paint('bold', name)} is detached; nothing is left behind\n`
  return known.length === 0 ? title : title + labelledValues(known, display)
}
