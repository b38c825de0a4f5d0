import { Lab } from '../index.ts'
import { say, scene, seen, type } from './stage.ts'

const LUNS = 48

/** A storage machine that exports 48 LUNs, and a node that wants one of them. */
export async function mainJob(): Promise<void> {
  scene(
    'Two machines',
    'Real Linux kernels as plain processes, on a network of their own. Nothing is installed, nothing needs root.',
  )
  await using lab = await Lab.open()
  const [san, node] = await Promise.all([
    lab.boot({ name: 'san', address: '10.9.0.1', iscsid: false, udev: false }),
    lab.boot({ name: 'node', address: '10.9.0.2' }),
  ])
  say(`san   Linux ${san.kernel} with the kernel's own iSCSI target, 10.9.0.1`)
  say(`node  Linux ${node.kernel} with Debian's open-iscsi and udev, 10.9.0.2`)
  const target = await san.lio.target({ iqn: 'iqn.2026-11.example:san', portals: ['10.9.0.1:3260'] })
  await target.mapMany(
    Array.from({ length: LUNS }, (_, lun) => ({
      lun,
      serial: `5a4${lun.toString(16).padStart(5, '0')}`,
      bytes: 512 << 20,
    })),
  )
  say(`the target exports ${LUNS} LUNs to every initiator`)

  scene(
    'What a plain login does',
    'By default the node scans the whole target: it gets disks that it was never meant to see.',
  )
  const before = await node.storage()
  await type(node, `iscsiadm -m node -o new -T ${target.iqn} -p 10.9.0.1 >/dev/null`)
  await type(node, `iscsiadm -m node -T ${target.iqn} -p 10.9.0.1 -l >/dev/null`)
  await node.until(async () => (await node.storage()).disks.length === LUNS, {
    deadline: 60_000,
    what: 'all disks',
  })
  // do not wait for udev: on a busy machine that alone takes minutes
  const flooded = await node.storage()
  say(
    `${flooded.disks.length} disks, ${flooded.uevents - before.uevents} kernel events so far, and udev starts programs for each disk`,
  )
  await type(node, `iscsiadm -m node -T ${target.iqn} -p 10.9.0.1 -u >/dev/null`)
  await type(node, `iscsiadm -m node -T ${target.iqn} -p 10.9.0.1 -o delete`)
  await node.ok(['udevadm', 'settle'], { deadline: 120_000 })

  scene(
    'One LUN asked for, one disk made',
    'The agent runs, so that volumes outlive an outage of their target.',
  )
  const agent = await node.start(['lunkeeper', 'agent'])
  await agent.errors(/ready/)
  const calm = await node.storage()
  await type(
    node,
    `lunkeeper attach --portal 10.9.0.1 --iqn ${target.iqn} --lun 17 --name orders --mount /mnt/orders --format`,
  )
  await node.ok(['udevadm', 'settle'], { deadline: 60_000 })
  const one = await node.storage()
  seen(`one disk more, not ${LUNS}; ${one.uevents - calm.uevents} kernel events`, one.disks.length === 1)
  await type(
    node,
    'echo "written at $(date +%T)" > /mnt/orders/file && sync /mnt/orders/file && cat /mnt/orders/file',
  )

  await type(node, 'lunkeeper volumes')
  await type(node, 'lunkeeper sessions')

  scene('Detached, and nothing is left')
  await type(node, 'lunkeeper detach orders')
  const end = await node.storage()
  seen(
    'no disk, no session, no mount, no node record',
    end.disks.length + end.sessions.length + end.mounts.length === 0 &&
      (await node.sh('ls -A /etc/iscsi/nodes 2>/dev/null || true')).trim() === '',
  )
}
