import type { Attachment } from '../../../../src/model/attachment.ts'
import { readHctl } from '../../../../src/model/hctl.ts'
import type { Identity } from '../../../../src/model/identity.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import { parseName } from '../../../../src/model/name.ts'
import { parsePortal } from '../../../../src/model/portal.ts'
import type { ScsiDisk, Session } from '../../../../src/model/snapshot.ts'
import type { Wwid } from '../../../../src/model/wwid.ts'
import { parseWwid } from '../../../../src/model/wwid.ts'

export const A = parseWwid('naa.6001405000000000000000000000000a')
export const B = parseWwid('naa.6001405000000000000000000000000b')

export const session: Session = {
  sid: 1,
  iqn: parseIqn('iqn.2003-01.org.example:x'),
  portal: parsePortal('10.0.0.5'),
  state: 'LOGGED_IN',
  host: 3,
  targetId: 0,
  recoveryTmo: 120,
  iface: 'default',
}

const serialOf = (wwid: Wwid | null) => wwid && wwid.slice(-1)

/** What a volume reports about itself; null: nothing at all. */
export function identity(wwid: Wwid | null, bytes = 1 << 20): Identity {
  return { wwid, serial: serialOf(wwid), bytes }
}

/** A disk that the kernel created for a volume. */
export function disk(wwid: Wwid | null): ScsiDisk {
  return {
    hctl: readHctl('3:0:0:1')!,
    sid: 1,
    name: 'sdb',
    devno: '8:16',
    state: 'running',
    bytes: 1 << 20,
    cached: { wwid, serial: serialOf(wwid) },
    holders: [],
    partitions: [],
    sg: 'sg1',
    readOnly: false,
  }
}

/** A ready volume with two portals, mounted at /mnt/NAME. */
export function attachment(called: string, known: Identity | null): Attachment {
  const name = parseName(called)
  return {
    name,
    request: {
      name,
      iqn: session.iqn,
      portals: [parsePortal('10.0.0.5'), parsePortal('10.0.0.6')],
      lun: parseLun(1),
      expected: { wwid: null, serial: null },
      hold: { wanted: 600, mode: 'auto' },
      use: { mount: `/mnt/${name}`, fs: null, format: false, readOnly: false, options: [] },
    },
    phase: known ? 'ready' : 'attaching',
    identity: known,
    mode: known ? 'map' : null,
    device: null,
    fs: null,
    formatting: null,
    knownToMultipath: false,
    askedLun: null,
    madeDirectories: [],
    protectedDirectory: null,
    writeOut: null,
    createdAt: '2026-01-01T00:00:00.000Z',
  }
}
