import { expect, test } from 'vitest'

import { isUdev } from '../../../src/state/view/users.ts'

test.each(['systemd-udevd', '(udev-worker)', 'udevd', '(spawn)'])(
  '%s is not a user of a device',
  (command) => {
    expect(isUdev({ command })).toBe(true)
  },
)

test.each(['postgres', 'spawn', 'qemu-system-x86', 'dd'])('%s is one', (command) => {
  expect(isUdev({ command })).toBe(false)
})
