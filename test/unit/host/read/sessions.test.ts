import { expect, test } from 'vitest'
import { readSessions } from '../../../../src/host/read/sessions.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { lay, nothing, recorded } from './tree.ts'

const first = parseIqn('iqn.2026-11.example:first')
const second = parseIqn('iqn.2026-11.example:second')

test.for(['bookworm', 'trixie'])(
  '%s: two portals of one target are two sessions, another target is a third',
  (debian) => {
    expect(readSessions(lay(recorded(`${debian}-two-portals`)))).toEqual([
      {
        sid: 1,
        iqn: second,
        portal: { host: '::1', port: 3261 },
        state: 'LOGGED_IN',
        host: 0,
        targetId: 0,
        recoveryTmo: 120,
        iface: 'default',
      },
      {
        sid: 2,
        iqn: first,
        portal: { host: '127.0.0.1', port: 3260 },
        state: 'LOGGED_IN',
        host: 1,
        targetId: 0,
        recoveryTmo: 120,
        iface: 'default',
      },
      {
        sid: 3,
        iqn: first,
        portal: { host: '127.0.0.2', port: 3260 },
        state: 'LOGGED_IN',
        host: 2,
        targetId: 0,
        recoveryTmo: 'forever',
        iface: 'default',
      },
    ])
  },
)

test('only the sessions of the requested target are read', () => {
  expect(readSessions(lay(recorded('bookworm-two-portals')), first).map(({ sid }) => sid)).toEqual([2, 3])
})

test('a target whose name begins with another one is not taken for it', () => {
  const host = lay(recorded('bookworm-logged-in'), { [`${SESSION}/targetname`]: `${second}-b\n` })
  expect(readSessions(host, second)).toEqual([])
})

test.for(['bookworm', 'trixie'])('%s: a session keeps its portal while its connection is lost', (debian) => {
  const away = readSessions(lay(recorded(`${debian}-away`)), first)
  expect(away.map(({ state, portal, recoveryTmo }) => ({ state, portal, recoveryTmo }))).toEqual([
    { state: 'FAILED', portal: { host: '127.0.0.1', port: 3260 }, recoveryTmo: 3 },
    { state: 'FAILED', portal: { host: '127.0.0.2', port: 3260 }, recoveryTmo: 'forever' },
  ])
  const givenUp = readSessions(lay(recorded(`${debian}-given-up`)), first)
  expect(givenUp.map(({ state }) => state)).toEqual(['FREE', 'FAILED'])
})

const SESSION = 'sys/devices/platform/host0/session1/iscsi_session/session1'
const CONNECTION = 'sys/devices/platform/host0/session1/connection1:0/iscsi_connection/connection1:0'

test.for([
  ['0\n', 0],
  ['off\n', 'forever'],
  ['-2147483648\n', 'forever'],
  ['rubbish\n', 0],
  ['', 0],
] as const)('recovery_tmo %j holds %s', ([text, hold]) => {
  expect(
    readSessions(lay(recorded('bookworm-logged-in'), { [`${SESSION}/recovery_tmo`]: text }))[0]?.recoveryTmo,
  ).toBe(hold)
})

test('a session that is just being made has no portal, target number or interface yet', () => {
  const host = lay(recorded('bookworm-logged-in'), {
    [`${CONNECTION}/persistent_address`]: '(null)\n',
    [`${CONNECTION}/persistent_port`]: '0\n',
    [`${SESSION}/target_id`]: '-1\n',
    [`${SESSION}/ifacename`]: '(null)\n',
  })
  expect(readSessions(host)[0]).toMatchObject({ portal: null, targetId: null, iface: 'default' })
})

test.for(['targetname', 'state', 'recovery_tmo'])(
  'a session that ends before its %s is read is left out',
  (attribute) => {
    expect(readSessions(lay(recorded('bookworm-logged-in'), { [`${SESSION}/${attribute}`]: null }))).toEqual(
      [],
    )
  },
)

test('a session without a name yet is left out', () => {
  expect(
    readSessions(lay(recorded('bookworm-logged-in'), { [`${SESSION}/targetname`]: '(null)\n' })),
  ).toEqual([])
})

test('a target name that breaks the rules is a session all the same', () => {
  const host = lay(recorded('bookworm-logged-in'), { [`${SESSION}/targetname`]: 'my target\n' })
  expect(readSessions(host)[0]?.iqn).toBe('my target')
})

test('a portal in brackets is understood', () => {
  const host = lay(recorded('bookworm-logged-in'), {
    [`${CONNECTION}/persistent_address`]: '[fe80::1%eth0]\n',
  })
  expect(readSessions(host)[0]?.portal).toEqual({ host: 'fe80::1%eth0', port: 3261 })
})

test('a session with an invalid port has no portal', () => {
  for (const port of ['0\n', '65536\n', '', 'x\n'])
    expect(
      readSessions(lay(recorded('bookworm-logged-in'), { [`${CONNECTION}/persistent_port`]: port }))[0]
        ?.portal,
    ).toBeNull()
})

test('session 10 comes after session 9', () => {
  const tree = new Map(recorded('bookworm-logged-in'))
  for (const sid of [10, 9]) {
    tree.set(
      `sys/class/iscsi_session/session${sid}`,
      ` -> ../../devices/platform/host${sid}/session${sid}/iscsi_session/session${sid}`,
    )
    for (const [name, text] of [
      ['targetname', first],
      ['state', 'FREE'],
      ['recovery_tmo', '5'],
    ])
      tree.set(
        `sys/devices/platform/host${sid}/session${sid}/iscsi_session/session${sid}/${name}`,
        ` = "${text}\\n"`,
      )
  }
  expect(readSessions(lay(tree)).map(({ sid, host }) => [sid, host])).toEqual([
    [1, 0],
    [9, 9],
    [10, 10],
  ])
})

test('a host without iSCSI has no sessions', () => {
  expect(readSessions(lay(nothing))).toEqual([])
})
