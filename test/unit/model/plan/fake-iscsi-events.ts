import type { FakeIscsi } from './fake-iscsi.ts'

/** What happens to the target, to the kernel, and to the users of the volume. */
export const ISCSI_EVENTS = {
  quiet: () => {},
  'target-down': (iscsi: FakeIscsi) => (iscsi.up = [false, false]),
  'target-up': (iscsi: FakeIscsi) => (iscsi.up = [true, true]),
  'portal-down': (iscsi: FakeIscsi) => (iscsi.up[0] = false),
  'portal-up': (iscsi: FakeIscsi) => (iscsi.up[0] = true),
  // Shorter than any interval between looks.
  reconnect: (iscsi: FakeIscsi) => {
    for (const session of iscsi.sessions) if (session.state === 'LOGGED_IN') iscsi.reconnect(session)
  },
  'session-gone': (iscsi: FakeIscsi) => iscsi.logOut(iscsi.sessions[0]?.sid),
  'swap-lun': (iscsi: FakeIscsi) => (iscsi.lun = 'foreign'),
  'unmap-lun': (iscsi: FakeIscsi) => (iscsi.lun = 'absent'),
  'map-lun': (iscsi: FakeIscsi) => (iscsi.lun = 'volume'),
  'io-fails': (iscsi: FakeIscsi) => (iscsi.failsIo = true),
  'io-works': (iscsi: FakeIscsi) => (iscsi.failsIo = false),
  'owned-by-other': (iscsi: FakeIscsi) => (iscsi.owner = 'other'),
  'owner-silent': (iscsi: FakeIscsi) => (iscsi.owner = 'silent'),
  'owned-by-us': (iscsi: FakeIscsi) => (iscsi.owner = 'us'),
  'someone-unqueues': (iscsi: FakeIscsi) => {
    if (iscsi.map) iscsi.map.queueing = false
  },
  'users-leave': (iscsi: FakeIscsi) => (iscsi.hasUsers = false),
  'users-come': (iscsi: FakeIscsi) => (iscsi.hasUsers = true),
  'writer-starts': (iscsi: FakeIscsi) => (iscsi.isWriting = true),
  'writer-stops': (iscsi: FakeIscsi) => (iscsi.isWriting = false),
} as const satisfies Record<string, (iscsi: FakeIscsi) => unknown>
