import { describe, expect, test } from 'vitest'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import type { VolumeRequest, VolumeUse } from '../../../src/model/request.ts'
import { checkRequest, cleanPath } from '../../../src/model/request.ts'
import { codeOf, messageOf } from './code-of.ts'

const plain: VolumeRequest = {
  name: null,
  iqn: parseIqn('iqn.2003-01.org.example:x'),
  portals: [parsePortal('10.0.0.5')],
  lun: parseLun(1),
  expected: { wwid: null, serial: null },
  hold: { wanted: 600, mode: 'auto' },
  use: { mount: null, fs: null, format: false, readOnly: false, options: [] },
}
const using = (use: Partial<VolumeUse>): VolumeRequest => ({ ...plain, use: { ...plain.use, ...use } })

test.each<[string, VolumeRequest]>([
  ['a raw device', plain],
  ['a raw device that is only read', using({ readOnly: true })],
  ['a mount', using({ mount: '/mnt/data' })],
  ['a new volume', using({ mount: '/mnt/data', fs: 'xfs', format: true })],
  [
    'a mount with options',
    using({ mount: '/mnt/data', options: ['noatime', 'data=ordered', 'x-systemd.automount'] }),
  ],
  ['options of one flag', using({ mount: '/mnt/data', options: ['noatime,nodev'] })],
  [
    'an SELinux context with commas, in quotes',
    using({ mount: '/mnt/data', options: ['noatime,context="system_u:object_r:x:s0:c10,c23"'] }),
  ],
  ['a mount point with blanks', using({ mount: '/mnt/my data' })],
  ['a mount point with dots in a name', using({ mount: '/mnt/..data/a.b' })],
])('%s is accepted as it is', (_, request) => {
  expect(checkRequest(request)).toBe(request)
})

describe('parts that contradict each other', () => {
  test.each<[string, VolumeRequest]>([
    ['no portal', { ...plain, portals: [] }],
    ['a file system on a raw device', using({ fs: 'ext4' })],
    ['a format of a raw device', using({ format: true })],
    ['mount options of a raw device', using({ options: ['noatime'] })],
    ['a format of a read-only volume', using({ mount: '/mnt/data', format: true, readOnly: true })],
    [
      'two portals, and a session that holds',
      {
        ...plain,
        portals: [parsePortal('10.0.0.5'), parsePortal('10.0.0.6')],
        hold: { wanted: 5, mode: 'session' },
      },
    ],
  ])('%s', (_, request) => {
    expect(codeOf(() => checkRequest(request))).toBe('BAD_REQUEST')
  })
})

const message = (option: string) =>
  messageOf(() => checkRequest(using({ mount: '/mnt/data', options: [option] })))

describe('mount options that would defeat the volume', () => {
  test.each([
    'remount',
    'remount,rw',
    'noatime,bind',
    'context="a:c1,c2",bind',
    'context="a:c1,bind',
    'bind,context="a:c1,c2',
    ' bind',
    'rbind',
    'move',
    'ro',
    'rw',
    'noatime,',
    '',
    'a b',
    'a\nb',
    '-o',
    '--bind /etc',
    'x=y z',
    'x=y\0',
  ])('%j', (option) => {
    expect(codeOf(() => checkRequest(using({ mount: '/mnt/data', options: [option] })))).toBe('BAD_REQUEST')
  })

  test('the reason is in words, whatever the option is called', () => {
    expect(message('bind')).toContain('a volume is always mounted as a whole')
    for (const option of ['constructor', 'toString', '__proto__']) expect(message(option)).toBeNull()
  })
})

describe('mount points', () => {
  test.each([
    '',
    'mnt',
    './mnt',
    '/',
    '//',
    '///',
    '/mnt/..',
    '/mnt/../etc',
    '/./mnt',
    '/mnt/.',
    '/mnt\n',
    '/mnt\0x',
    '/a\tb',
  ])('%j is refused', (mount) => {
    expect(codeOf(() => checkRequest(using({ mount })))).toBe('BAD_MOUNT')
  })

  test.each([
    ['/mnt/data/', '/mnt/data'],
    ['//mnt///data//', '/mnt/data'],
    ['/mnt', '/mnt'],
    ['/', '/'],
  ])('%s is %s in mountinfo', (path, clean) => {
    expect(cleanPath(path)).toBe(clean)
  })
})
