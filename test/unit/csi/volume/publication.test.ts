import { describe, expect, it } from 'vitest'

import { VolumeCapability_AccessMode_Mode as Mode } from '../../../../src/csi/protocol/csi_pb.js'
import { entitledOwner, parsePublication, publishContextOf } from '../../../../src/csi/volume/publication.ts'
import { codeOf } from '../../model/code-of.ts'

const attachment = { name: `csi-${'0a'.repeat(32)}`, uid: '1b4e28ba-2fa1-11d2-883f-0016d3cca427' }

describe('a publish_context', () => {
  it('is read as it was written', () => {
    expect(parsePublication(publishContextOf(attachment))).toEqual({ attachment })
    expect(parsePublication({ ...publishContextOf(attachment), other: 'key' })).toEqual({ attachment })
  })

  it('is empty where no controller publishes volumes', () => {
    expect(parsePublication({})).toBeNull()
    expect(parsePublication({ devicePath: '/dev/sda' })).toBeNull()
  })

  it.each([
    ['half of it', { 'lunkeeper.dev/attachment': attachment.name }],
    ['the other half', { 'lunkeeper.dev/attachment-uid': attachment.uid }],
    ['a name of something else', publishContextOf({ ...attachment, name: 'csi-orders' })],
    ['a uid with more in it', publishContextOf({ ...attachment, uid: `${attachment.uid}\n` })],
  ])('is refused where it is %s', (_, context) => {
    expect(codeOf(() => parsePublication(context))).toBe('BAD_REQUEST')
  })
})

it.each([
  [Mode.SINGLE_NODE_WRITER, 'one-node'],
  [Mode.SINGLE_NODE_READER_ONLY, 'one-node'],
  [Mode.SINGLE_NODE_SINGLE_WRITER, 'one-node'],
  [Mode.SINGLE_NODE_MULTI_WRITER, 'one-node'],
  [Mode.MULTI_NODE_SINGLE_WRITER, 'one-node'],
  [Mode.UNKNOWN, 'one-node'],
  [Mode.MULTI_NODE_READER_ONLY, 'many-readers'],
  [Mode.MULTI_NODE_MULTI_WRITER, 'many-writers'],
])('access mode %s: %s', (mode, sharing) => {
  expect(entitledOwner({ attachment }, mode)).toEqual({ attachment, sharing })
  expect(entitledOwner(null, mode)).toEqual({ attachment: null, sharing })
})
