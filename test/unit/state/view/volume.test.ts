import { describe, expect, it } from 'vitest'

import type { Attachment } from '../../../../src/model/attachment.ts'
import type { DmMap, ScsiDisk, Session } from '../../../../src/model/snapshot.ts'
import type { VolumeView } from '../../../../src/state/view/volume.ts'
import { deviceOfVolume, isReplaced, usedPaths } from '../../../../src/state/view/volume.ts'

const diskOf = (name: string, sid: number) => ({ name, sid, devno: `8:${sid}`, bytes: 1024 }) as ScsiDisk
const MAP = { name: 'mpatha', device: 'dm-0', devno: '252:0', bytes: 1024, uuid: 'mpath-36001405' } as DmMap
const HOLD_MAP = { ...MAP, name: 'lunkeeper-db', uuid: 'lunkeeper-db' } as DmMap

const view = (names: readonly string[], maps: readonly DmMap[] = []): VolumeView => ({
  sessions: names.map((name, sid) => ({ session: { sid } as Session, disk: diskOf(name, sid) })),
  maps,
})
const record = (mode: Attachment['mode'], device: string): Pick<Attachment, 'mode' | 'phase' | 'device'> => ({
  mode,
  device,
  phase: 'ready',
})

describe('the device of a volume that is attached', () => {
  it.for([
    ['session', '/dev/sda', ['sda'], [], 'sda'],
    ['session', '/dev/sdb', ['sda', 'sdb'], [], 'sdb'],
    ['session', '/dev/sda', ['sdb'], [], null],
    [null, '/dev/sda', ['sdb'], [], null],
    ['multipathd', '/dev/mapper/mpatha', ['sda'], [MAP], 'dm-0'],
    ['multipathd', '/dev/mapper/mpatha', ['sda', 'sdb'], [], null],
    ['map', '/dev/mapper/lunkeeper-db', ['sda'], [], null],
    ['map', '/dev/mapper/lunkeeper-db', ['sda'], [HOLD_MAP], 'dm-0'],
    ['session', '/dev/sda', ['sda'], [HOLD_MAP], null],
  ] as const)('%s on %s: with the disks %j and the maps %j it is %s', ([mode, on, disks, maps, expected]) => {
    const attached = record(mode, on)
    expect(deviceOfVolume(attached, view(disks, maps))?.name ?? null).toBe(expected)
    expect(isReplaced(attached, view(disks, maps))).toBe(expected === null)
  })

  it('is not replaced as long as it has no disk', () => {
    expect(isReplaced(record('session', '/dev/sda'), view([]))).toBe(false)
  })

  it('has only the path of its disk without a map, and all of them with one', () => {
    const names = ({ sessions }: VolumeView) => sessions.map(({ disk }) => disk?.name)
    const both = view(['sda', 'sdb'])
    expect(names(usedPaths(record('session', '/dev/sdb'), both))).toEqual(['sdb'])
    expect(names(usedPaths(record('session', '/dev/sdc'), both))).toEqual(['sda', 'sdb'])
    expect(names(usedPaths(record('multipathd', '/dev/mapper/mpatha'), view(['sda', 'sdb'], [MAP])))).toEqual(
      ['sda', 'sdb'],
    )
  })
})
