// Records the files that the tests read from real kernels, in the lab:
//   node test/unit/host/read/recorded/record.ts [debian ...]
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabNode } from '../../../../../lab/index.ts'
import { Lab } from '../../../../../lab/index.ts'

const here = import.meta.dirname
const FIRST = 'iqn.2026-11.example:first'
const SECOND = 'iqn.2026-11.example:second'
const login = (iqn: string, portal: string) => `
  iscsiadm -m node -o new -T ${iqn} -p ${portal} >/dev/null
  iscsiadm -m node -T ${iqn} -p ${portal} -o update -n node.session.scan -v manual -n node.session.timeo.replacement_timeout -v 120
  iscsiadm -m node -T ${iqn} -p ${portal} -l >/dev/null`
const scan = (sid: number, lun: number) => `
  device=$(readlink -f /sys/class/iscsi_session/session${sid}/device); host=$(basename $(dirname $device))
  echo "0 0 ${lun}" > /sys/class/scsi_host/$host/scan
  until ls -d $device/target*/*:0:0:${lun}/block/*/holders >/dev/null 2>&1; do sleep 0.05; done`

async function take(node: LabNode, debian: string, name: string, processes = 'no'): Promise<void> {
  const script = await readFile(join(here, 'take.mjs'), 'utf8')
  const { stdout } = await node.ok(['node', '--input-type=module', '-'], {
    input: script,
    env: { PROCESSES: processes },
  })
  await writeFile(join(here, `${debian}-${name}.tree`), stdout)
}

async function record(debian: 'bookworm' | 'trixie'): Promise<void> {
  await using lab = await Lab.open()
  const node = await lab.boot({
    debian,
    initiator: 'iqn.2026-11.example:node-1',
    udev: false,
    multipathd: false,
  })
  const first = await node.lio.target({ iqn: FIRST, portals: ['127.0.0.1:3260', '127.0.0.2:3260'] })
  const second = await node.lio.target({ iqn: SECOND, portals: ['[::1]:3261'] })
  await first.map(0, { serial: 'volume-0', bytes: 64 << 20 })
  await first.map(300, { serial: 'volume-300', bytes: 32 << 20 })
  await second.map(7, { serial: 'volume-7', bytes: 400 << 20 })
  await node.sh('modprobe -a sg dm-mod dm-multipath dm-service-time ext4 xfs')

  // One session, before any LUN was scanned for.
  await node.sh(login(SECOND, '[::1]:3261'))
  await take(node, debian, 'logged-in')

  // A partitioned disk with a map over one partition and xfs on the other; a disk with ext4, mounted twice.
  await node.sh(`${scan(1, 7)}
    node -e '
      const fs = require("fs"), table = Buffer.alloc(512)
      const partition = (at, start, count) => { table[450 + 16 * at] = 0x83; table.writeUInt32LE(start, 454 + 16 * at); table.writeUInt32LE(count, 458 + 16 * at) }
      partition(0, 2048, 655360); partition(1, 657408, 65536); table.writeUInt16BE(0x55aa, 510)
      const disk = fs.openSync("/dev/sda", "r+"); fs.writeSync(disk, table); fs.fsyncSync(disk)'
    blockdev --rereadpt /dev/sda
    until [ -e /sys/block/sda/sda2/holders ]; do sleep 0.05; done
    echo "0 2048 linear /dev/sda2 0" | dmsetup create --noudevsync "data volume"
    mkfs.xfs -q -f /dev/sda1
    ${login(FIRST, '127.0.0.1:3260')} ${scan(2, 0)}
    mkfs.ext4 -q /dev/sdb
    mount --make-shared /mnt
    mkdir -p /mnt/v1 /mnt/v10 "/mnt/with space" /mnt/xfs
    mount -t xfs /dev/sda1 /mnt/xfs
    mount -t ext4 -o noatime /dev/sdb /mnt/v1
    mkdir /mnt/v1/sub; mount --bind /mnt/v1/sub "/mnt/with space"
    cp /usr/bin/sleep /mnt/v1/my-sleep; cp /usr/lib/x86_64-linux-gnu/libutil.so.1 /mnt/v1/lib.so
    touch "/mnt/v1/a b" /mnt/v10/file`)
  const users = [
    'cd /mnt/v1/sub; exec sleep 1000',
    'exec /mnt/v1/my-sleep 1001',
    'LD_PRELOAD=/mnt/v1/lib.so exec sleep 1002',
    'exec sleep 1003 < /dev/sdb',
    'exec sleep 1004 < "/mnt/v1/a b"',
    'exec sleep 1005 < /mnt/v10/file',
    'exec sleep 1006 < "/mnt/with space"',
    'exec unshare -m --propagation slave sleep 1008',
    'exec unshare -m --propagation private sh -c \'mkdir /mnt/inner; mount --bind /mnt/v1 /mnt/inner; umount "/mnt/with space" /mnt/v1 /mnt/xfs; exec sleep 1007 < /mnt/inner/my-sleep\'',
  ]
  for (const user of users) await node.start(['sh', '-c', user])
  await node.until(async () => (await node.sh('pgrep -c sleep || true')).trim() === '9', {
    what: 'the users',
  })
  await node.sh('rm "/mnt/v1/a b"')
  await take(node, debian, 'in-use', 'yes')

  // Two portals, one map over both paths; a LUN above 255; a timer that is switched off.
  await node.sh(`${login(FIRST, '127.0.0.2:3260')} ${scan(2, 300)} ${scan(3, 300)}
    paths=$(cd /sys/block; for disk in sd*; do [ "$(readlink $disk | grep -c :300/)" = 1 ] && cat $disk/dev; done | tr '\\n' ' ')
    set -- $paths
    echo "0 65536 multipath 1 queue_if_no_path 0 1 1 service-time 0 2 1 $1 1 $2 1" | dmsetup create --noudevsync -u mpath-3600140 mpatha
    echo off > /sys/class/iscsi_session/session3/recovery_tmo`)
  await take(node, debian, 'two-portals')

  // The target is away: the timer is running, then it has expired.
  await node.sh('echo 3 > /sys/class/iscsi_session/session2/recovery_tmo')
  await first.disable()
  await node.until(
    async () => (await node.read('/sys/class/iscsi_session/session2/state')).trim() === 'FAILED',
    { what: 'FAILED' },
  )
  await take(node, debian, 'away')
  await node.until(
    async () => (await node.read('/sys/class/iscsi_session/session2/state')).trim() === 'FREE',
    { what: 'FREE' },
  )
  await take(node, debian, 'given-up')
}

const chosen = process.argv.slice(2)
for (const debian of ['bookworm', 'trixie'] as const)
  if (chosen.length === 0 || chosen.includes(debian)) await record(debian)
