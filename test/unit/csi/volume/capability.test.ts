import { create, fromJson } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'

import {
  VolumeCapability_AccessMode_Mode as Mode,
  VolumeCapabilitySchema,
} from '../../../../src/csi/protocol/csi_pb.js'
import { parseCapability, unsupported, useOf } from '../../../../src/csi/volume/capability.ts'

const mount = (mode: Mode, fsType = '', mountFlags: string[] = [], volumeMountGroup = '') =>
  create(VolumeCapabilitySchema, {
    accessMode: { mode },
    accessType: { case: 'mount', value: { fsType, mountFlags, volumeMountGroup } },
  })
const block = (mode: Mode) =>
  create(VolumeCapabilitySchema, { accessMode: { mode }, accessType: { case: 'block', value: {} } })

const MODES = [
  Mode.SINGLE_NODE_WRITER,
  Mode.SINGLE_NODE_READER_ONLY,
  Mode.MULTI_NODE_READER_ONLY,
  Mode.MULTI_NODE_SINGLE_WRITER,
  Mode.MULTI_NODE_MULTI_WRITER,
  Mode.SINGLE_NODE_SINGLE_WRITER,
  Mode.SINGLE_NODE_MULTI_WRITER,
]

const codeOf = (work: () => unknown) => {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return Code[ConnectError.from(error).code]
  }
}

describe('volume capabilities', () => {
  it.each([
    ['nothing', undefined],
    ['no access mode', create(VolumeCapabilitySchema, { accessType: { case: 'block', value: {} } })],
    ['no access type', create(VolumeCapabilitySchema, { accessMode: { mode: Mode.SINGLE_NODE_WRITER } })],
    ['a mode from the future', fromJson(VolumeCapabilitySchema, { block: {}, accessMode: { mode: 99 } })],
    ['a group, which only the kubelet applies', mount(Mode.SINGLE_NODE_WRITER, '', [], '1000')],
  ])('INVALID_ARGUMENT: %s', (_, given) =>
    expect(codeOf(() => parseCapability(given))).toBe('InvalidArgument'),
  )

  it('a comma in quotes does not end a mount option, as in an SELinux context of the kubelet', () => {
    const flags = ['noatime,nodiratime', 'context="system_u:object_r:container_file_t:s0:c10,c23"', 'rw']
    expect(parseCapability(mount(Mode.SINGLE_NODE_WRITER, '', flags)).options).toEqual([
      'noatime',
      'nodiratime',
      'context="system_u:object_r:container_file_t:s0:c10,c23"',
    ])
  })

  it('every access mode: how many target paths, who may write, and what is supported', () => {
    const table = MODES.map((mode) => {
      const { shared, readOnly } = parseCapability(block(mode))
      return [
        Mode[mode],
        shared ? 'several places' : 'one place',
        readOnly ? 'reads' : 'writes',
        unsupported(parseCapability(block(mode))) === null ? 'block' : 'no block',
        unsupported(parseCapability(mount(mode))) === null ? 'mount' : 'no mount',
      ]
    })
    expect(table).toEqual([
      ['SINGLE_NODE_WRITER', 'one place', 'writes', 'block', 'mount'],
      ['SINGLE_NODE_READER_ONLY', 'one place', 'reads', 'block', 'mount'],
      ['MULTI_NODE_READER_ONLY', 'several places', 'reads', 'block', 'mount'],
      ['MULTI_NODE_SINGLE_WRITER', 'several places', 'writes', 'no block', 'no mount'],
      ['MULTI_NODE_MULTI_WRITER', 'several places', 'writes', 'block', 'no mount'],
      ['SINGLE_NODE_SINGLE_WRITER', 'one place', 'writes', 'block', 'mount'],
      ['SINGLE_NODE_MULTI_WRITER', 'several places', 'writes', 'block', 'mount'],
    ])
  })

  it('mount options can be separate or separated by commas; ro and rw are removed', () => {
    const given = mount(Mode.SINGLE_NODE_WRITER, 'xfs', ['noatime,nosuid', 'ro', '', 'rw', ' nodev '])
    expect(useOf(parseCapability(given), '/staging')).toEqual({
      mount: '/staging',
      fs: 'xfs',
      format: false,
      readOnly: true,
      options: ['noatime', 'nosuid', 'nodev'],
    })
  })

  it('a file system other than ext4 and xfs is not supported', () =>
    expect(unsupported(parseCapability(mount(Mode.SINGLE_NODE_WRITER, 'btrfs')))).toContain('btrfs'))

  it('a block volume is not mounted', () =>
    expect(useOf(parseCapability(block(Mode.SINGLE_NODE_WRITER)), '/staging')).toMatchObject({
      mount: null,
      fs: null,
      readOnly: false,
    }))
})
