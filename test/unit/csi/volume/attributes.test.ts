import { describe, expect, it } from 'vitest'

import { parseAttributes } from '../../../../src/csi/volume/attributes.ts'
import { codeOf } from '../../model/code-of.ts'

const LEAST = { targetPortal: '10.0.0.5', iqn: 'iqn.2024-01.example:db', lun: '7' }

describe('volumeAttributes', () => {
  it('require portal, target and LUN only', () => {
    expect(parseAttributes(LEAST)).toEqual({
      iqn: LEAST.iqn,
      portals: [{ host: '10.0.0.5', port: 3260 }],
      lun: 7,
      expected: { wwid: null, serial: null },
      hold: { wanted: null, mode: null },
      fence: 'auto',
      warnings: [],
    })
  })

  it('accept a volume of iscsi.csi.k8s.io as in its example', () => {
    const { portals, warnings } = parseAttributes({
      ...LEAST,
      targetPortal: '192.168.1.10:3260',
      portals: '["192.168.1.11:3261","[fd00::5]"]',
      iscsiInterface: 'default',
      discoveryCHAPAuth: 'true',
      sessionCHAPAuth: 'false',
      discovery: 'false',
    })
    expect(portals).toEqual([
      { host: '192.168.1.10', port: 3260 },
      { host: '192.168.1.11', port: 3261 },
      { host: 'fd00::5', port: 3260 },
    ])
    expect(warnings).toEqual([])
  })

  it.each([
    ['""', ''],
    ['"[]"', '[]'],
  ])('have no further portals: %s', (_, portals) =>
    expect(parseAttributes({ ...LEAST, portals }).portals).toHaveLength(1),
  )

  it('have our own keys: wwid, serial, hold, fence', () => {
    const wwid = '36001405c5150000000000000000000ab'
    expect(parseAttributes({ ...LEAST, wwid, serial: ' c515 ', hold: '15m', fence: 'off' })).toMatchObject({
      fence: 'off',
      expected: { wwid: `naa.${wwid.slice(1)}`, serial: 'c515' },
      hold: { wanted: 900 },
    })
  })

  it.each([
    ['no target', { iqn: '' }, 'BAD_REQUEST'],
    ['no LUN', { lun: '' }, 'BAD_REQUEST'],
    ['no portal', { targetPortal: '' }, 'BAD_REQUEST'],
    ['portals that are not a list', { portals: '["10.0.0.6"' }, 'BAD_REQUEST'],
    ['portals that are not strings', { portals: '[1]' }, 'BAD_REQUEST'],
    ['a bad portal', { targetPortal: '10.0.0.256' }, 'BAD_PORTAL'],
    ['a bad target', { iqn: 'db' }, 'BAD_IQN'],
    ['a bad LUN', { lun: '0x7' }, 'BAD_LUN'],
    ['a bad WWID', { wwid: 'naa.1' }, 'BAD_WWID'],
    ['a bad hold', { hold: 'long' }, 'BAD_HOLD'],
    ['a fence of another kind', { fence: 'on' }, 'BAD_REQUEST'],
    ['an offload interface', { iscsiInterface: 'bnx2i.00:11' }, 'BAD_REQUEST'],
  ])('are refused: %s', (_, changed, code) =>
    expect(codeOf(() => parseAttributes({ ...LEAST, ...changed }))).toBe(code),
  )

  it('cause a warning for an unknown key, but not for keys of Kubernetes', () => {
    const { warnings } = parseAttributes({
      ...LEAST,
      wwdi: 'naa.6001',
      'storage.kubernetes.io/csiProvisionerIdentity': 'x',
      initiatorName: 'iqn.2024-01.example:other',
      secret: '{"node.session.auth.password":"TopSecret-0123"}',
    })
    expect(warnings).toHaveLength(3)
    expect(warnings[0]).toContain('wwdi')
    expect(warnings.join()).not.toContain('TopSecret')
  })
})
