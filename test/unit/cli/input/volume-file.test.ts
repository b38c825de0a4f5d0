import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { parseAttachInput } from '../../../../src/cli/input/attach-input.ts'
import { parseVolumeFile, volumeFileSchema } from '../../../../src/cli/input/volume-file.ts'
import { parseVolumeRequest } from '../../../../src/cli/input/volume-request.ts'
import { LunkeeperError } from '../../../../src/model/errors.ts'
import { temporary } from '../../temporary.ts'

const LEAST = 'portal: 10.0.0.5\niqn: iqn.2024-01.example:db\nlun: 0\n'

function request(text: string) {
  const { values, origin } = parseVolumeFile(text, 'volume.yaml')
  return parseVolumeRequest(values, origin)
}

function refused(text: string): string {
  try {
    request(text)
  } catch (error) {
    if (error instanceof LunkeeperError) return `${error.code}: ${error.message}. ${error.hint}`
    throw error
  }
  return 'accepted'
}

test('a file gives the same request as flags', async () => {
  const file = request(`# a volume
portal:
  - 10.0.0.5
  - 10.0.1.5:3261
iqn: iqn.2024-01.example:db
lun: 7
name: db
serial: abc
wwid: 36001405abc1230000000000000000000
hold: forever
hold-mode: multipathd
mount: /srv/db
fs: xfs
format: true
mount-option: [noatime, nodiratime]
`)
  const flags = await parseAttachInput(
    {
      portal: ['10.0.0.5', '10.0.1.5:3261'],
      iqn: 'iqn.2024-01.example:db',
      lun: '7',
      name: 'db',
      serial: 'abc',
      wwid: 'naa.6001405abc1230000000000000000000',
      hold: 'forever',
      'hold-mode': 'multipathd',
      mount: '/srv/db',
      fs: 'xfs',
      format: true,
      'mount-option': ['noatime', 'nodiratime'],
    },
    { warn: expect.unreachable },
  )
  expect(file).toEqual(flags.request)
  expect(file.use).toEqual({
    mount: '/srv/db',
    fs: 'xfs',
    format: true,
    readOnly: false,
    options: ['noatime', 'nodiratime'],
  })
})

test('an absent field has the default of the flag', () => {
  expect(request(LEAST)).toEqual({
    name: null,
    iqn: 'iqn.2024-01.example:db',
    portals: [{ host: '10.0.0.5', port: 3260 }],
    lun: 0,
    expected: { wwid: null, serial: null },
    hold: { wanted: null, mode: null },
    use: { mount: null, fs: null, format: false, readOnly: false, options: [] },
  })
})

test('numbers keep their spelling', () => {
  expect(request(`${LEAST}serial: 00712e5\n`).expected.serial).toBe('00712e5')
  expect(request(`${LEAST}serial: 0012345678901234567890\n`).expected.serial).toBe('0012345678901234567890')
  expect(refused(LEAST.replace('lun: 0', 'lun: 010'))).toMatch(/^BAD_LUN: volume.yaml:3: "010" is not a LUN/)
})

test.each([
  [
    `${LEAST}redonly: true\n`,
    'BAD_REQUEST: volume.yaml:4: "redonly" is not a field of a volume. Did you mean "read-only"?',
  ],
  [
    `${LEAST}readOnly: true\n`,
    'BAD_REQUEST: volume.yaml:4: "readOnly" is not a field of a volume. Did you mean "read-only"?',
  ],
  [
    `${LEAST}\n\nread-only: yes\n`,
    'BAD_REQUEST: volume.yaml:6: "read-only" cannot be used: it is neither true nor false',
  ],
  [`${LEAST}name:\n`, 'BAD_REQUEST: volume.yaml:4: "name" cannot be used: it is not a string'],
  [`${LEAST}serial: ""\n`, 'BAD_REQUEST: volume.yaml:4: "serial" cannot be used: it is empty'],
  [`${LEAST}fs: zfs\n`, 'BAD_REQUEST: volume.yaml:4: "fs" cannot be used: it is not one of ext4, xfs'],
  [`${LEAST}lun: 1\n`, 'BAD_REQUEST: volume.yaml:4: "lun" occurs twice'],
  [`${LEAST}hold: soon\n`, 'BAD_HOLD: volume.yaml:4: "soon" is not a valid hold'],
  [
    'portal: []\niqn: iqn.2024-01.example:db\nlun: 0\n',
    'BAD_REQUEST: volume.yaml:1: "portal" cannot be used: the list is empty',
  ],
  [
    'lun: 0\nportal: [fd00::5]:3260\n',
    'BAD_REQUEST: volume.yaml:2: Unexpected scalar at node end. Quote values that begin with [',
  ],
  [`${LEAST}serial: *one\n`, 'BAD_REQUEST: volume.yaml:4: Unresolved alias'],
  ['iqn: iqn.2024-01.example:db\n', 'BAD_REQUEST: volume.yaml lacks portal, lun'],
  ['', 'BAD_REQUEST: volume.yaml lacks portal, iqn, lun'],
  ['- a\n', 'BAD_REQUEST: volume.yaml does not contain the fields of a volume'],
  [`${LEAST}---\n${LEAST}`, 'BAD_REQUEST: volume.yaml:4: '],
  ['portal: [', 'BAD_REQUEST: volume.yaml:1: '],
])('a wrong file is refused with its line: %j', (text, message) => {
  expect(refused(text).slice(0, message.length)).toBe(message)
})

test('a file cannot be combined with other flags', async () => {
  await expect(parseAttachInput({ file: 'volume.yaml', lun: '3' }, { warn: () => {} })).rejects.toMatchObject(
    {
      code: 'BAD_REQUEST',
      message: '--lun cannot be combined with a volume file',
    },
  )
})

test('a relative CHAP file is resolved against the directory of the volume file', async () => {
  const dir = temporary()
  writeFileSync(join(dir, 'volume.yaml'), `${LEAST}chap-file: secret\n`)
  writeFileSync(join(dir, 'secret'), 'username = me\npassword = 123456789012\n', { mode: 0o600 })
  const { chap } = await parseAttachInput({ file: join(dir, 'volume.yaml') }, { warn: expect.unreachable })
  expect(chap?.username).toBe('me')
})

test('a missing file is an error', async () => {
  await expect(parseAttachInput({ file: '/nonexistent.yaml' }, { warn: () => {} })).rejects.toMatchObject({
    message: '/nonexistent.yaml cannot be read: no such file',
  })
})

test('the schema has exactly the fields of a volume file', () => {
  expect(volumeFileSchema()).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    required: ['portal', 'iqn', 'lun'],
    additionalProperties: false,
    properties: {
      fs: { enum: ['ext4', 'xfs'] },
      format: { type: 'boolean' },
      lun: { type: ['string', 'integer'] },
      iqn: { type: 'string' },
    },
  })
})
