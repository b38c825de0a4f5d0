import { expect, it } from 'vitest'

import { unknownFeatures } from '../../../../src/host/fs/unknown-features.ts'

const end = (stderr: string, stdout = '', code = 8) => ({ code, stderr, stdout })

it.each([
  // e2fsck 1.47.0, -p
  ['/dev/sda has unsupported feature(s): FEATURE_R20\ne2fsck: Get a newer version of e2fsck!', 'FEATURE_R20'],
  // 1.46.2, on what 1.47 makes by default
  [
    'e2fsck 1.46.2 (28-Feb-2021)\n/dev/dm-0 has unsupported feature(s): FEATURE_C12\ne2fsck: Get a newer version of e2fsck!\n\n/dev/dm-0: ********** WARNING: Filesystem still has errors **********\n',
    'FEATURE_C12',
  ],
  [
    '/dev/sda has unsupported feature(s): FEATURE_C12 FEATURE_I25\nfsck.ext4: Get a newer version of e2fsck!',
    'FEATURE_C12 FEATURE_I25',
  ],
])('unknownFeatures returns the features that an old e2fsck reports: %#', (stderr, features) => {
  expect(unknownFeatures(end(stderr))).toBe(features)
  expect(unknownFeatures(end('', stderr))).toBe(features)
})

it.each([
  [
    'another error as well',
    '/dev/sda: Superblock checksum does not match\n/dev/sda has unsupported feature(s): FEATURE_C12',
  ],
  ['a read error', '/dev/sda: Input/output error while reading block 1'],
  ['no superblock', 'fsck.ext4: Bad magic number in super-block while trying to open /dev/sda'],
  ['nothing', ''],
])('unknownFeatures is null for %s', (_, stderr) => {
  expect(unknownFeatures(end(stderr))).toBeNull()
})

it('unknownFeatures knows an exit that calls a clean file system one with errors', () => {
  // e2fsck 1.47.0, -p, after debugfs -w -R 'feature FEATURE_C20'
  const stderr = '/dev/sda has unsupported feature(s): FEATURE_C20\ne2fsck: Get a newer version of e2fsck!\n'
  const stdout = '\n/dev/sda: ********** WARNING: Filesystem still has errors **********\n\n'
  expect(unknownFeatures(end(stderr, stdout, 12))).toBe('FEATURE_C20')
})

it.each([1, 4, 16, null])('unknownFeatures is null for exit status %s', (code) => {
  const stderr = '/dev/sda has unsupported feature(s): FEATURE_C12'
  expect(unknownFeatures({ code, stderr, stdout: '' })).toBeNull()
})
