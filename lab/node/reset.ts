import type { Wire } from '../machine/wire.ts'
import type { LabNode } from './node.ts'

/**
 * Fails held I/O first (queueing maps block writers, umount and udev), then removes from the top down: programs,
 * mounts, maps, sessions, records, targets. Each step may fail; only what is left counts.
 */
const script = `
for map in $(dmsetup ls --target multipath 2>/dev/null | grep -v '^No devices' | cut -f1); do
  dmsetup message "$map" 0 fail_if_no_path
done
awk '$0 ~ / - [^ ]+ \\/dev\\/(sd|dm-|mapper|disk)/ {print $5}' /proc/self/mountinfo | tac | while read -r at; do umount "$at" || umount -l "$at"; done
dmsetup --noudevsync remove_all --retry
iscsiadm -m session -u
iscsiadm -m node -o delete
chattr -R -f -i /mnt /tmp
rm -rf /etc/iscsi/nodes /etc/iscsi/send_targets /var/lib/iscsi/nodes /var/lib/iscsi/send_targets /var/lib/iscsi/ifaces
rm -rf /var/lib/lunkeeper/* /run/lunkeeper/* /etc/lunkeeper/* /mnt/* /tmp/*
:`

export async function reset(node: LabNode, wire: Wire): Promise<void> {
  await wire.call('killAll', { wait: 200 })
  // 40 s: a logout waits for a target that is away (iscsid's own limit is 15 s for each of its steps)
  await node.run(['sh', '-c', script], { deadline: 40_000 })
  const stuck = await wire.call<number[]>('killAll', { wait: 5_000 })
  await node.lio.clear()
  const { sessions, disks, maps, mounts } = await node.storage()
  const left = [
    ...sessions,
    ...disks,
    ...maps,
    ...mounts,
    ...(await node.lio.targets()),
    ...stuck.map((pid) => `process ${pid}`),
  ]
  if (left.length > 0) throw new Error(`${node.name} could not be reset; left are: ${left.join(', ')}`)
}
