import { expect, test } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { loadHoldMap } from '../../../../src/host/map/hold-map.ts'
import { sinceBootMs } from '../../../../src/host/clock.ts'
import { WriteProof } from '../../../../src/host/proof/issue.ts'
import type { DmMap } from '../../../../src/model/snapshot.ts'
import { lay } from '../read/tree.ts'

test('a table that is loaded for another path keeps the size that the map has now: it may have grown since it was looked at', async () => {
  const loaded: string[] = []
  const host = {
    paths: lay(
      new Map([
        ['sys/block/dm-0/dm/name', ' = "lunkeeper-db"'],
        ['sys/block/dm-0/dm/uuid', ' = "lunkeeper-db"'],
        ['sys/block/dm-0/dev', ' = "254:0"'],
        ['sys/block/dm-0/size', ' = "4096"'],
      ]),
    ),
    run: async (_: string, args: readonly string[]) => {
      loaded.push(args.join(' '))
      return { code: 0, signal: null, stdout: '', stderr: '' }
    },
  } as unknown as Host
  const seen = { device: 'dm-0', name: 'lunkeeper-db', bytes: 2048 * 512 } as DmMap
  await loadHoldMap(host, new WriteProof(['8:0'], sinceBootMs(), () => false), seen, [
    { devno: '8:0', access: null },
  ])
  expect(loaded[0]).toContain('--table 0 4096 multipath')
})
