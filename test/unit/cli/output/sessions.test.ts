import { expect, test } from 'vitest'

import { PLAIN } from '../../../../src/cli/output/display.ts'
import { sessionsText } from '../../../../src/cli/output/sessions.ts'

const session = {
  sid: 3,
  iqn: 'iqn.2024-01.example:db',
  portal: '10.0.0.5:3260',
  state: 'LOGGED_IN',
  recoveryTmo: 600,
  scan: 'manual',
  disks: [
    { hctl: '3:0:0:5', lun: 5, disk: 'sdb', state: 'running', owner: 'db' },
    { hctl: '3:0:0:6', lun: 6, disk: 'sdc', state: 'running', owner: 'foreign' },
    { hctl: '3:0:0:16640', lun: 16640, disk: 'sdaa', state: 'offline', owner: 'phantom' },
  ],
}

test('each session is printed with its disks and their owners', () => {
  const other = { ...session, sid: 12, portal: null, state: 'FAILED', recoveryTmo: 0, scan: null, disks: [] }
  expect(sessionsText([session, other], PLAIN)).toMatchInlineSnapshot(`
    "session 3 to 10.0.0.5:3260 is LOGGED_IN, timer 10m, scan manual
      iqn.2024-01.example:db
        LUN  DISK  ADDRESS      STATE    OWNER
          5  sdb   3:0:0:5      running  db
          6  sdc   3:0:0:6      running  foreign
      16640  sdaa  3:0:0:16640  offline  phantom

    session 12 to an unknown portal is FAILED, timer 0s
      iqn.2024-01.example:db
      no disks

    1 phantom: a disk without an owner or a visible user.
    \`lunkeeper detach /dev/sdaa\` removes one.
    "
  `)
})

test('phantoms are highlighted', () => {
  const painted: string[] = []
  sessionsText([session], {
    ...PLAIN,
    paint: (style, text) => (painted.push(`${String(style)} ${text}`), text),
  })
  expect(painted).toContain('yellow phantom')
  expect(painted).toContain('bold db')
})

test('without sessions, the output says how to attach a volume', () => {
  expect(sessionsText([], PLAIN)).toMatchInlineSnapshot(`
    "No iSCSI sessions on this node. \`lunkeeper attach --help\` shows how to attach a volume.
    "
  `)
})
