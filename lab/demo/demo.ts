// Shows the main job on real kernels: of a storage machine's 48 LUNs a node gets the two that it wants; then
// a storage machine dies under two writers.
import { runDrill } from '../drill/drill.ts'
import { live } from '../drill/live.ts'
import { verdictOn } from '../drill/numbers.ts'
import { planned } from '../drill/plan.ts'
import { summary } from '../drill/summary.ts'
import { Lab } from '../index.ts'
import { say, scene, seen, type } from './stage.ts'

const LUNS = 48

/** Appends and syncs, and says so, until it is told to stop. */
const WRITER = `
trap 'exit 0' TERM
for n in $(seq 1000000); do
  echo $n >> /mnt/logs/log && sync /mnt/logs/log && echo "$n written" || echo "$n failed"
done`

const started = Date.now()

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
await node.ok(['udevadm', 'settle'], { deadline: 120_000 })
const flooded = await node.storage()
say(
  `${flooded.disks.length} disks, ${flooded.uevents - before.uevents} kernel events for udev to work through`,
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

scene(
  'A second volume of the same target',
  'The session is there already; a writer works on the new volume from now on.',
)
await type(
  node,
  `lunkeeper attach --portal 10.9.0.1 --iqn ${target.iqn} --lun 30 --name logs --mount /mnt/logs --fs xfs --format`,
)
await type(node, 'lunkeeper volumes')
await type(node, 'lunkeeper sessions')
const writer = await node.start(['bash', '-c', WRITER])
await writer.output(/3 written/, 30_000)

scene('One is detached while the other goes on')
await type(node, 'lunkeeper detach orders')
const count = writer.stdout.split('\n').length
await writer.output(new RegExp(`${count + 10} written`), 30_000)
seen('the writer on the second volume had no error', !writer.stdout.includes('failed'))
const rest = await node.storage()
seen('one disk and the session are there for it', rest.disks.length === 1 && rest.sessions.length === 1)

await writer.kill('SIGTERM')
await writer.exited
await agent.kill('SIGTERM')
await agent.exited

scene('The last one goes, and nothing is left')
await type(node, 'lunkeeper detach /mnt/logs')
const end = await node.storage()
seen(
  'no disk, no session, no mount, no node record',
  end.disks.length + end.sessions.length + end.mounts.length === 0 &&
    (await node.sh('ls -A /etc/iscsi/nodes 2>/dev/null || true')).trim() === '',
)

await lab.close()

scene(
  'A storage machine dies',
  'Three more kernels. Two writers on one node, one kept by open-iscsi as it comes, one by Lunkeeper.',
)
const drill = await runDrill(planned({ outage: 15 }), live(process.stderr))
const verdict = verdictOn(drill)
process.stdout.write(summary(drill, verdict))
seen('the one broke, the other paused and lost nothing', verdict.ok && verdict.stockBroke)

scene(
  `Done in ${Math.round((Date.now() - started) / 1000)} s`,
  'README.md has the common tasks; "npm test" proves every promise on these kernels.',
)
