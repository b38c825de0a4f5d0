import { expect, test } from 'vitest'

import { PLAIN } from '../../../../src/cli/output/display.ts'
import { volumeText } from '../../../../src/cli/output/volume.ts'
import { volumesText } from '../../../../src/cli/output/volumes.ts'
import { away, volume } from '../fixture-volumes.ts'

test('volumes are printed in a table, one per line', () => {
  expect(volumesText([volume(), away], PLAIN)).toMatchInlineSnapshot(`
    "NAME             STATE       SIZE     HOLD  EFFECTIVE  PATHS  DEVICE                                         MOUNT
    db               ready     64 MiB      10m        10m    1/1  /dev/sdb                                       /srv/db
    archive-of-2024  holding  3.5 TiB  forever      1h30m    0/2  /dev/mapper/36001405abc1240000000000000000000  -
    "
  `)
})

test('unwritten data has a column if a volume has any', () => {
  const waits = (name: string, of: 'node' | 'volume') =>
    volume({ name, state: 'holding', hold: { ...volume().hold, waiting: { bytes: 41 << 20, of } } })
  expect(volumesText([volume(), waits('a', 'volume'), waits('b', 'node')], PLAIN)).toMatchInlineSnapshot(`
    "NAME  STATE      SIZE  HOLD  EFFECTIVE  PATHS     UNWRITTEN  DEVICE    MOUNT
    db    ready    64 MiB   10m        10m    1/1             -  /dev/sdb  /srv/db
    a     holding  64 MiB   10m        10m    1/1        41 MiB  /dev/sdb  /srv/db
    b     holding  64 MiB   10m        10m    1/1  up to 41 MiB  /dev/sdb  /srv/db
    "
  `)
  expect(volumeText(waits('b', 'node'), PLAIN)).toContain('unwritten  up to 41 MiB, held in memory\n')
})

test('on a narrow screen, wide values are on a second line', () => {
  const text = volumesText([volume(), away], { ...PLAIN, width: 80 })
  expect(text).toMatchInlineSnapshot(`
    "NAME             STATE       SIZE     HOLD  EFFECTIVE  PATHS
    db               ready     64 MiB      10m        10m    1/1
      /dev/sdb on /srv/db
    archive-of-2024  holding  3.5 TiB  forever      1h30m    0/2
      /dev/mapper/36001405abc1240000000000000000000
    "
  `)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})

test('without volumes, the output says how to attach one', () => {
  expect(volumesText([], PLAIN)).toMatchInlineSnapshot(`
    "No volumes on this node. \`lunkeeper attach --help\` shows how to attach one.
    "
  `)
})

test('volumeText prints one volume in detail', () => {
  expect(volumeText(volume(), PLAIN)).toMatchInlineSnapshot(`
    "db is ready
      device  /dev/sdb
      mount   /srv/db (ext4)
      size    64 MiB
      wwid    naa.6001405abc1230000000000000000000
      serial  abc123
      hold    10m, held by the session
      owner   this node, by a reservation at the target
      target  iqn.2024-01.example:db, LUN 5
      paths   10.0.0.5:3260  up    sdb (3:0:0:5), session 1
    "
  `)
})

test('a volume in an outage is printed in wrapped lines', () => {
  expect(volumeText(away, { ...PLAIN, width: 80 })).toMatchInlineSnapshot(`
    "archive-of-2024 is holding
      device  /dev/mapper/36001405abc1240000000000000000000
      mount   none
      size    3.5 TiB
      wwid    none
      serial  x
      hold    forever requested, 1h30m effective, held by multipathd
      owner   this node, by a reservation at the target
      target  iqn.2024-01.example:db, LUN 5
      paths   10.0.0.5:3260   down  sdb (3:0:0:5) blocked, session 1 FAILED
              [fd00::5]:3260  down  no session
    "
  `)
})

test('states, short holds and missing paths are highlighted', () => {
  const painted: string[] = []
  volumesText([volume(), away], {
    ...PLAIN,
    paint: (style, text) => (painted.push(`${String(style)} ${text}`), text),
  })
  expect(painted).toEqual(
    expect.arrayContaining(['bold db', 'green ready', 'yellow holding', 'yellow 1h30m', 'yellow 0/2']),
  )
  expect(painted).not.toContain('yellow 10m')
})

test('a held volume shows when the outage began and when I/O fails', () => {
  const since = '2026-11-21T04:00:00.000Z'
  const now = Date.parse(since) + 348_000
  const held = (deadline: string | null) =>
    volumeText({ ...away, hold: { ...away.hold, mode: 'map', since, deadline } }, PLAIN, now)
  expect(held('2026-11-21T04:10:00.000Z')).toContain(
    'holding  all paths lost 5m48s ago; I/O fails in 4m12s unless the target returns',
  )
  expect(held(null)).toContain('I/O is held until the target returns')
  const failed = { ...away, state: 'failed' as const, hold: { ...away.hold, since } }
  expect(volumeText(failed, PLAIN, now)).toContain(
    'lost    all paths lost 5m48s ago; I/O that was held has failed',
  )
})
