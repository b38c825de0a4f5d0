import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { forgetOldState, parseOldState, readOldState } from '../../../../src/csi/takeover/state.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import { isLunkeeperError } from '../../../../src/model/errors.ts'
import { temporary } from '../../temporary.ts'

const secrets = { secretsType: 'chap', userName: 'user', password: 'tops3cret', passwordIn: 'tops3cret2' }

/** As Go's encoder writes it: with every field, secrets in clear text, and empty lists as null. */
const disk = {
  volume_name: 'vol-1',
  target_iqn: 'iqn.2026-11.example:shelf',
  target_portal: ['10.0.0.1:3260', '10.0.1.1'],
  lun: 5,
  auth_type: '',
  discovery_secrets: secrets,
  session_secrets: secrets,
  interface: '',
  mount_target_device: {
    name: 'sdb',
    hctl: '3:0:0:5',
    children: null,
    type: 'disk',
    tran: 'iscsi',
    size: '1G',
  },
  devices: [{ name: 'sdb', hctl: '3:0:0:5', children: null, type: 'disk', tran: 'iscsi', size: '1G' }],
  retry_count: 10,
  check_interval: 1,
  do_discovery: true,
  do_chap_discovery: false,
}

const parse = (state: unknown, volume = 'vol-1') =>
  parseOldState('/run/iscsi.csi.k8s.io/iscsi-vol-1.json', `${JSON.stringify(state)}\n`, volume)

function refused(content: string): string {
  try {
    parseOldState('/run/x.json', content, 'vol-1')
  } catch (error) {
    if (!isLunkeeperError(error, 'RECORD_CORRUPT')) throw error
    expect(JSON.stringify([error.message, error.hint, error.details, String(error.cause)])).not.toContain(
      's3cret',
    )
    return error.message
  }
  return expect.unreachable('it was understood')
}

describe("the state file of the old driver, as Go's encoder writes it, has", () => {
  it('a single disk', () => {
    expect(parse(disk)).toEqual({
      iqn: 'iqn.2026-11.example:shelf',
      lun: 5,
      portals: [
        { host: '10.0.0.1', port: 3260 },
        { host: '10.0.1.1', port: 3260 },
      ],
      device: { kind: 'disk', name: 'sdb' },
      disks: [
        { name: 'sdb', hctl: '3:0:0:5', type: 'disk' },
        { name: 'sdb', hctl: '3:0:0:5', type: 'disk' },
      ],
      madeRecords: true,
    })
  })

  it('a multipath map by its name, and its disks by their addresses', () => {
    const wwid = '36001405abc0000000000000000000000'
    const state = parse({
      ...disk,
      mount_target_device: { name: wwid, hctl: '', children: null, type: 'mpath', tran: '' },
      devices: ['sdb', 'sdc'].map((name, n) => ({
        name,
        hctl: `${3 + n}:0:0:5`,
        type: 'disk',
        tran: 'iscsi',
      })),
    })
    expect(state.device).toEqual({ kind: 'map', name: wwid })
    expect(state.disks.map(({ hctl }) => hctl)).toEqual(['3:0:0:5', '4:0:0:5'])
  })

  it('whether the old driver created the node records', () => {
    const { do_discovery: _, do_chap_discovery: __, ...without } = disk
    expect(parse(without).madeRecords).toBe(false)
    expect(parse({ ...without, do_chap_discovery: true }).madeRecords).toBe(true)
  })

  it('an empty list of devices', () => {
    expect(parse({ ...disk, devices: null }).disks).toHaveLength(1)
  })
})

describe('a state file that cannot be parsed is refused, and no secret of it is quoted', () => {
  const { mount_target_device: _, ...deviceless } = disk
  const before2021 = {
    ...deviceless,
    target_portal: undefined,
    target_portals: ['10.0.0.1'],
    multipath: true,
  }
  const before2022 = {
    ...deviceless,
    targets: [{ iqn: disk.target_iqn, portal: '10.0.0.1', port: '3260' }],
    device_path: '/dev/sdb',
  }
  it.each([
    ['cut off by a crash', JSON.stringify(disk).slice(0, 260), /not JSON/],
    ['empty', '', /not JSON/],
    ['another document', '"tops3cret"', /the file is not valid/],
    ['of 2020', JSON.stringify(before2021), /target_portal/],
    ['of 2021, before the first release', JSON.stringify(before2022), /mount_target_device/],
    ['no device was found', JSON.stringify({ ...disk, mount_target_device: null }), /mount_target_device/],
    ['no portal', JSON.stringify({ ...disk, target_portal: null }), /target_portal/],
    ['an invalid portal', JSON.stringify({ ...disk, target_portal: ['[::1'] }), /portal/],
    ['an invalid LUN', JSON.stringify({ ...disk, lun: -1 }), /LUN/],
    ['an invalid IQN', JSON.stringify({ ...disk, target_iqn: 'shelf' }), /iSCSI name/],
    ['another volume', JSON.stringify({ ...disk, volume_name: 'vol-2' }), /another volume/],
  ])('%s', (_, content, reason) => {
    expect(refused(content)).toMatch(reason)
  })
})

describe('the state file of a volume', () => {
  const root = temporary()
  const path = join(root, 'run/iscsi.csi.k8s.io/iscsi-vol-1.json')
  mkdirSync(dirname(path), { recursive: true })
  const host = openHost({ paths: hostPaths(root) })

  it('is read below the root of the host, and can be removed', () => {
    expect(readOldState(host, 'vol-1')).toBeNull()
    writeFileSync(path, JSON.stringify(disk))
    expect(readOldState(host, 'vol-1')?.lun).toBe(5)
    forgetOldState(host, 'vol-1')
    forgetOldState(host, 'vol-1')
    expect(readOldState(host, 'vol-1')).toBeNull()
  })

  it('cannot be outside its directory, whatever the volume ID', () => {
    writeFileSync(join(root, 'run/iscsi-x.json'), JSON.stringify({ ...disk, volume_name: 'a/../../iscsi-x' }))
    for (const id of ['a/../../iscsi-x', '../x', 'x\0y']) expect(readOldState(host, id)).toBeNull()
  })

  it('is not opened if it is not a regular file', () => {
    symlinkSync('/dev/zero', path)
    expect(() => readOldState(host, 'vol-1')).toThrow(/not valid/)
  })
})
