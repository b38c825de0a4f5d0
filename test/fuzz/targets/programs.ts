import { failureReason } from '../../../src/host/exec/run.ts'
import { identifyWithSgInq } from '../../../src/host/disk/sg-inq.ts'
import { probeContent } from '../../../src/host/fs/probe.ts'
import { unknownFeatures } from '../../../src/host/fs/unknown-features.ts'
import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import { readHoldMaps } from '../../../src/host/map/hold-map.ts'
import { pollingInterval, queueingMaps, queueingOf } from '../../../src/host/map/queueing.ts'
import { EventReader } from '../../../src/host/read/kernel-events.ts'
import { parseMountTable } from '../../../src/host/read/mounts.ts'
import type { ScsiDisk } from '../../../src/model/snapshot.ts'
import { expectOneLine, expectThat, orRefusedLater } from '../promises.ts'
import type { Target } from '../target.ts'

const HOST = openHost()

/** A host on which every program prints this. */
function printing(input: Buffer): Host {
  const text = input.toString('utf8')
  const at = text.indexOf('\0')
  const [stdout, stderr] = at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  // Some of them indicate by their exit status which of their answers it is.
  const code = [0, 0, 0, 2, 8][(input.at(-1) ?? 0) % 5]!
  return { ...HOST, run: async () => ({ code, signal: null, stdout, stderr }) }
}

/** Output of dmsetup. */
export const dmsetup: Target = {
  name: 'dmsetup',
  reads: 'output of dmsetup (table, status)',
  seeds: () =>
    [
      'lunkeeper-db: 0 131072 multipath 2 queue_if_no_path retain_attached_hw_handler 0 1 1 service-time 0 1 1 8:16 1\n',
      'lunkeeper-db: 0 131072 multipath 2 0 1 0 1 1 A 0 1 0 8:16 A 0 0 1\nmpatha: 0 2048 multipath 2 0 0 0 1 1 E 0 2 2 8:32 F 4 0 1 8:48 A 0 0 1\n',
      '\0Device lunkeeper-db not found\nCommand failed.\n',
    ].map((text) => Buffer.from(text)),
  words: ['lunkeeper-', ': 0 ', 'multipath ', 'queue_if_no_path ', '8:16 A 0 ', '8:32 F 4 ', '\n', '\0'],
  async run(input) {
    const host = printing(input)
    for (const [name, { paths }] of await readHoldMaps(host)) {
      expectOneLine(name)
      for (const { devno } of paths) expectThat(/^\d+:\d+$/.test(devno), 'a number of a device that is none')
    }
    for (const name of await queueingMaps(host)) expectOneLine(name)
    expectOneLine(failureReason(await host.run('dmsetup', [], { deadline: 1 })))
  },
}

/** Output of multipathd. */
export const multipathd: Target = {
  name: 'multipathd',
  reads: 'output of multipathd (show map, show config)',
  seeds: () =>
    [
      '{\n   "major_version": 0,\n   "minor_version": 1,\n   "map": {\n      "name" : "mpatha",\n      "queueing" : "12 chk",\n      "paths" : 0\n   }\n}\n',
      '{"map":{"queueing":"on"}}',
      '{"map":{"queueing":"23 sec"}}',
      'defaults {\n\tpolling_interval 10\n\tmax_polling_interval "40"\n}\n',
    ].map((text) => Buffer.from(text)),
  words: ['"queueing" : "', '"on"', '"off"', ' chk"', ' sec"', 'polling_interval ', '\n', '{', '}', '"'],
  async run(input) {
    const host = printing(input)
    const hold = await queueingOf(host, 'mpatha')
    expectThat(hold === null || hold === 'forever' || hold >= 0, 'a hold that is none')
    expectThat((await pollingInterval(host)) >= 0, 'an interval that is none')
  },
}

/** Output of programs that describe a device. */
export const devicePrograms: Target = {
  name: 'device-programs',
  reads: 'output of blkid, sg_inq and e2fsck',
  seeds: () =>
    [
      'DEVNAME=/dev/sdb\nUUID=11111111-2222-3333-4444-555555555555\nVERSION=1.0\nTYPE=ext4\nUSAGE=filesystem\n',
      'PTUUID=1\nPTTYPE=gpt\n',
      '00 83 00 14 01 03 00 10 60 01 40 55 12 34 56 78 90 ab cd ef 00 00 00 01\n',
      '\0e2fsck 1.47.0 (5-Feb-2023)\n/dev/sdb has unsupported feature(s): FEATURE_C12\ne2fsck: Get a newer version of e2fsck!\n',
    ].map((text) => Buffer.from(text)),
  words: [
    'TYPE=',
    'PTTYPE=',
    'UUID=',
    '\n',
    '00 83 ',
    ' has unsupported feature(s): ',
    'e2fsck 1.47.0 (5-Feb-2023)\n',
    '\0',
  ],
  async run(input) {
    const host = printing(input)
    const content = await orRefusedLater(() => probeContent(host, 'sdb'))
    if (content) expectOneLine(`${content.type} ${content.uuid}`)
    const identity = await orRefusedLater(() =>
      identifyWithSgInq(host, { name: 'sdb', bytes: 1 } as ScsiDisk),
    )
    if (identity) expectOneLine(`${identity.wwid} ${identity.serial}`)
    const features = unknownFeatures(await host.run('fsck.ext4', [], { deadline: 1 }))
    if (features !== null) expectOneLine(features)
  },
}

/** The mount table. */
export const mountinfo: Target = {
  name: 'mountinfo',
  reads: '/proc/self/mountinfo',
  seeds: () => [
    Buffer.from(
      '36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext3 /dev/source rw,errors=continue\n' +
        '37 36 0:33 / /srv/a\\040b rw propagate_from:3 - tmpfs  rw\n' +
        '38 36 253:0 / /mnt/db rw,relatime - ext4 /dev/mapper/lunkeeper-db rw,context="system_u:object_r:data_t:s0:c10,c23"\n',
    ),
  ],
  words: [
    ' - ',
    'shared:',
    'master:',
    'propagate_from:',
    '\\040',
    '\\134',
    '98:0',
    ' / ',
    'ext4',
    'rw,',
    '\n',
  ],
  run(input) {
    for (const { mount, id, parent, follows } of parseMountTable(input.toString('utf8'))) {
      expectThat(mount.point.startsWith('/'), 'a mount point that is none')
      expectThat(/^\d+:\d+$/.test(mount.devno), 'a number of a device that is none')
      expectThat(
        [id, parent].every((number) => number >= 0) && Array.isArray(follows),
        'a number that is none',
      )
      for (const text of [mount.point, mount.root, mount.fs, mount.source, ...mount.options])
        expectOneLine(text)
    }
  },
}

/** Events of the kernel, as udevadm prints them. */
export const kernelEvents: Target = {
  name: 'kernel-events',
  reads: 'output of udevadm monitor',
  seeds: () => [
    Buffer.from(
      'monitor will print the received events for:\nKERNEL - the kernel uevent\n\nKERNEL[12.5] change   /devices/virtual/block/dm-0 (block)\nACTION=change\nDEVPATH=/devices/virtual/block/dm-0\nDM_NAME=lunkeeper-db\nDM_ACTION=PATH_FAILED\n\n',
    ),
  ],
  words: ['ACTION=', 'DEVPATH=', 'DM_NAME=', '\n\n', 'SDEV_UA=', 'KERNEL['],
  run(input) {
    const text = input.toString('utf8')
    const size = 1 + (input[0] ?? 0)
    const read = (parts: readonly string[]) => {
      const events: string[] = []
      const reader = new EventReader((event) => events.push(JSON.stringify([...event])))
      for (const part of parts) reader.take(part)
      return events.join('\n')
    }
    const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      text.slice(at * size, (at + 1) * size),
    )
    expectThat(read([text]) === read(parts), 'other events when read in pieces')
  },
}
