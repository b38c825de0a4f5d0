import { basename } from 'node:path'

import { holdMapName } from '../../host/map/hold-map.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { isName } from '../../model/name.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Scene } from '../scene.ts'

type Seen = Pick<Scene, 'records' | 'corrupt'> & {
  readonly snapshot: Pick<Scene['snapshot'], 'maps' | 'mounts'>
}

export const mapUnowned: NodeCheck & { unowned(seen: Seen): Finding[] } = {
  name: 'the hold maps',
  node: (scene) => mapUnowned.unowned(scene),
  unowned({ records, corrupt, snapshot }) {
    const owned = new Set([
      ...records.map(({ name }) => holdMapName(name)),
      // Its record exists and has a finding of its own.
      ...corrupt
        .map(({ path }) => basename(path, '.json'))
        .filter(isName)
        .map(holdMapName),
    ])
    return snapshot.maps
      .filter((map) => isHoldMap(map) && !owned.has(map.uuid))
      .map(({ name, device, slaves, holders, devno }) => {
        const mounts = snapshot.mounts.filter((mount) => mount.devno === devno).map(({ point }) => point)
        return {
          code: 'MAP_UNOWNED' as const,
          severity: 'warning' as const,
          subject: name,
          message: `this hold map has no record${mounts.length > 0 ? `, mounted at ${mounts.join(', ')}` : ''}`,
          evidence: { device, slaves, holders, mounts },
          fix: `If it is not in use: lunkeeper doctor --fix; or: dmsetup message ${name} 0 fail_if_no_path, then dmsetup remove ${name}.`,
        }
      })
  },
}
