import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'

import { volumeNameOf } from '../../../../src/csi/volume/name.ts'
import { isName } from '../../../../src/model/name.ts'

/** dm-ioctl.h: DM_NAME_LEN is 128 including the terminating zero; a map's name has `lunkeeper-` before the volume's. */
const LONGEST = 127 - 'lunkeeper-'.length

describe('the name of a volume', () => {
  it('is valid, and short enough for a map, for any ID', () =>
    assert(
      property(string({ unit: 'binary', maxLength: 300 }), (id) => {
        expect(isName(volumeNameOf(id))).toBe(true)
        expect(volumeNameOf(id).length).toBeLessThanOrEqual(LONGEST)
      }),
    ))

  it('is different for IDs that look alike', () => {
    const ids = [
      'pv-a',
      'pv/a',
      'pv a',
      'PV-a',
      'pv-a ',
      'pv-a\n',
      `${'x'.repeat(60)}1`,
      `${'x'.repeat(60)}2`,
    ]
    expect(new Set(ids.map(volumeNameOf)).size).toBe(ids.length)
  })

  it('never changes, so that a volume that was attached before an upgrade is found after it', () => {
    expect(volumeNameOf('pvc-7d3f')).toBe('csi-pvc-7d3f-d5ebd580bcd952b098cae54c70b25506')
  })
})
