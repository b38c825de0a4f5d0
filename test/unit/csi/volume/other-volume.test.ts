import { expect, it } from 'vitest'

import { parseAttributes } from '../../../../src/csi/volume/attributes.ts'
import { otherVolume } from '../../../../src/csi/volume/other-volume.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import { parseWwid } from '../../../../src/model/wwid.ts'
import { attachment } from '../../model/plan/facts.ts'

const WWID = 'naa.6001405000000000000000000000000a'
const context = {
  targetPortal: '10.0.0.5',
  portals: '["10.0.0.6"]',
  iqn: 'iqn.2003-01.org.example:x',
  lun: '1',
}
const staged = attachment('a', { wwid: parseWwid(WWID), serial: 'S1', bytes: 1 << 20 })

it.each<[string, Record<string, string>]>([
  ['the same', {}],
  ['one portal fewer', { portals: '' }],
  ['one portal more', { portals: '["10.0.0.6","10.0.0.9"]' }],
  ['a host name, which may resolve to any address', { targetPortal: 'san.example', portals: '' }],
  ['the WWID in another form', { wwid: '36001405000000000000000000000000a' }],
  ['its serial', { serial: 'S1' }],
])('otherVolume is null for the staged volume: %s', (_, change) => {
  expect(otherVolume(staged, parseAttributes({ ...context, ...change }))).toBeNull()
})

it.each<[string, Record<string, string>, RegExp]>([
  ['another target', { iqn: 'iqn.2003-01.org.example:y' }, /target is \S+:x, not \S+:y/],
  ['another LUN', { lun: '2' }, /LUN 1, not 2/],
  ['only other addresses', { targetPortal: '10.9.9.9', portals: '["[fd00::1]:3261"]' }, /10\.9\.9\.9:3260/],
  ['another port', { targetPortal: '10.0.0.5:3261', portals: '' }, /10\.0\.0\.5:3261/],
  ['another WWID', { wwid: 'naa.6001405000000000000000000000000b' }, /WWID/],
  ['another serial', { serial: 'S2' }, /serial is S1, not S2/],
])('otherVolume describes another volume: %s', (_, change, reason) => {
  expect(otherVolume(staged, parseAttributes({ ...context, ...change }))).toMatch(reason)
})

it('a volume whose LUN has changed is identified by the LUN of the request', () => {
  const moved = { ...staged, request: { ...staged.request, lun: parseLun(7) }, askedLun: parseLun(1) }
  expect(otherVolume(moved, parseAttributes(context))).toBeNull()
  expect(otherVolume(moved, parseAttributes({ ...context, lun: '7' }))).not.toBeNull()
})
