import { describe, expect, test } from 'vitest'

import { ScsiError } from '../../../../src/host/worker/sg.ts'

const CHECK_CONDITION = 1
const fixed = (key: number, code: number) => {
  const sense = Buffer.alloc(16)
  sense[0] = 0x70
  sense[2] = key
  sense[12] = code
  return sense
}
const descriptor = (key: number, code: number) =>
  Buffer.concat([Buffer.of(0x72, key, code, 0), Buffer.alloc(12)])

describe.each([
  ['fixed', fixed],
  ['descriptor', descriptor],
] as const)('sense data in %s format', (_, sense) => {
  test('tells a LUN that does not exist from a command that is not supported', () => {
    expect(new ScsiError(CHECK_CONDITION, sense(5, 0x25))).toMatchObject({
      isAbsent: true,
      isUnsupported: false,
    })
    expect(new ScsiError(CHECK_CONDITION, sense(5, 0x20))).toMatchObject({
      isAbsent: false,
      isUnsupported: true,
    })
  })

  test('tells a unit attention, after which a command can be repeated', () => {
    expect(new ScsiError(CHECK_CONDITION, sense(6, 0x29))).toMatchObject({
      isAttention: true,
      isUnsupported: false,
      message: 'SCSI status 1, sense 6/29/0',
    })
  })
})
