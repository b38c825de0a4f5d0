import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { parseWwid } from '../../../src/model/wwid.ts'

export function volume(change: Partial<VolumeStatus> = {}): VolumeStatus {
  return {
    name: 'db',
    state: 'ready',
    device: '/dev/sdb',
    mount: '/srv/db',
    fs: 'ext4',
    readOnly: false,
    identity: {
      wwid: parseWwid('naa.6001405abc1230000000000000000000'),
      serial: 'abc123',
      bytes: 64 << 20,
    },
    hold: { mode: 'session', wanted: 600, effective: 600, since: null, deadline: null, waiting: null },
    owner: { guard: 'reservation', mine: true, holder: null },
    paths: [
      {
        portal: '10.0.0.5:3260',
        iqn: 'iqn.2024-01.example:db',
        lun: 5,
        session: 1,
        hctl: '3:0:0:5',
        disk: 'sdb',
        sessionState: 'LOGGED_IN',
        diskState: 'running',
        recoveryTmo: 600,
      },
    ],
    ...change,
  }
}

/** Its target is away, its timer is shorter than the hold, and its map has a long name. */
export const away = volume({
  name: 'archive-of-2024',
  state: 'holding',
  device: '/dev/mapper/36001405abc1240000000000000000000',
  mount: null,
  fs: null,
  identity: { wwid: null, serial: 'x', bytes: 3 * 2 ** 40 + 2 ** 39 },
  hold: {
    mode: 'multipathd',
    wanted: 'forever',
    effective: 5400,
    since: null,
    deadline: null,
    waiting: null,
  },
  paths: [
    { ...volume().paths[0]!, sessionState: 'FAILED', diskState: 'blocked' },
    {
      ...volume().paths[0]!,
      portal: '[fd00::5]:3260',
      session: null,
      hctl: null,
      disk: null,
      sessionState: null,
      diskState: null,
      recoveryTmo: null,
    },
  ],
})
