import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { FindingCode } from '../../src/doctor/codes.ts'
import type { Diagnosis, Finding } from '../../src/doctor/finding.ts'
import { makeKey } from '../../src/model/reservation.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'
import { loginByHand, logoutByHand } from './other-session.ts'
import { SEEN_MS } from './volume.ts'

// A case for each finding of docs/findings.md: its cause is made, doctor reports it, its remedy is applied as an operator
// would, and doctor reports it no longer. Elsewhere are those of outages and broken file systems (doctor.test.ts), of
// phantoms (doctor-fix.test.ts), HELD_BESIDE (holders.test.ts), FENCED and UNGUARDED (owner.test.ts), LIMIT_RAISED
// (hold-room.test.ts) and RECORD_OF_ANOTHER_MACHINE (cloned-machine.test.ts).

const MIB = 1 << 20
const BOTH = ['127.0.0.1', '127.0.0.2']

async function diagnose(node: LabNode, ...more: string[]): Promise<Diagnosis> {
  const ended = await lunkeeper(node).run(['doctor', ...more])
  const told = JSON.parse(ended.stdout) as Diagnosis
  const isWrong = told.findings.some(({ severity }) => severity !== 'info')
  expect(ended.code, `${ended.stderr}${ended.stdout}`).toBe(isWrong ? 3 : 0)
  return told
}

/** The finding, once doctor reports it. */
function found(node: LabNode, code: FindingCode): Promise<Finding> {
  return node.until(async () => (await diagnose(node)).findings.find((one) => one.code === code), {
    deadline: SEEN_MS,
    what: code,
  })
}

function gone(node: LabNode, code: FindingCode): Promise<true | undefined> {
  return node.until(
    async () => (await diagnose(node)).findings.every((one) => one.code !== code) || undefined,
    { deadline: SEEN_MS, what: `no ${code}` },
  )
}

/** The remedy is a command that doctor names. */
async function mendAsTold(node: LabNode, { code, fix }: Finding): Promise<void> {
  await node.sh(fix!)
  await gone(node, code)
}

/** The remedy is `doctor --fix`, with the code where it needs consent. */
async function mendByDoctor(node: LabNode, { code, subject }: Finding, consent: boolean): Promise<void> {
  const fix = consent ? ['--fix', code] : ['--fix']
  const planned = await diagnose(node, ...fix, '--dry-run')
  expect(planned.repairs).toContainEqual(expect.objectContaining({ code, subject, done: false, error: null }))
  expect(planned.findings).toContainEqual(expect.objectContaining({ code, subject }))
  const { repairs, findings } = await diagnose(node, ...fix)
  expect(repairs).toContainEqual(expect.objectContaining({ code, subject, done: true, error: null }))
  expect(findings).not.toContainEqual(expect.objectContaining({ code }))
}

/** Lays a script over a program until it is unmounted: the lab's /usr cannot be written to. */
async function overlaid(node: LabNode, program: string, script: string, mode = 755): Promise<void> {
  const [real, over] = [`/run/real/${program}`, `/run/over/${program}`]
  await node.mkdir('/run/over')
  await node.write(over, `#!/bin/sh\n${script}\n`)
  await node.sh(
    `mkdir -p /run/real; p=$(readlink -f "$(command -v ${program})"); cp -p $p ${real}; chmod ${mode} ${over}; mount --bind ${over} $p`,
  )
}

describe('doctor reports each finding, and no longer after its remedy', () => {
  const it = onNode({
    memory: 640,
    target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
    luns: [{ lun: 5, serial: 'aaaa5', bytes: 64 * MIB, name: 'ours' }],
    volume: { mount: '/mnt/v' },
  })
  const SESSION_HELD = ['--hold', '120s', '--hold-mode', 'session']

  it('TIMERS_ORDER and FLUSH_DISABLED come with the settings of a disk, and AUTO_SCAN with a node record', async ({
    node,
    volume,
  }) => {
    const { paths } = await volume.attach(...SESSION_HELD)
    const { disk, hctl } = paths[0]!
    expect(await diagnose(node)).toEqual({ findings: [] })

    await node.sh(`echo 5 > /sys/block/${disk}/device/timeout`)
    expect(await found(node, 'TIMERS_ORDER')).toMatchObject({
      severity: 'warning',
      subject: 'db',
      message: expect.stringContaining('its commands time out after 5 s'),
    })
    await node.sh(`echo 30 > /sys/block/${disk}/device/timeout`)
    await gone(node, 'TIMERS_ORDER')
    await lunkeeper(node).run(['hold', 'db', '--set', '5s'])
    expect(await found(node, 'TIMERS_ORDER')).toMatchObject({
      severity: 'info',
      message: expect.stringContaining('before one login attempt does'),
      fix: 'lunkeeper hold db --set 30s',
    })
    await mendAsTold(node, await found(node, 'TIMERS_ORDER'))

    await node.sh(`echo "temporary write back" > /sys/class/scsi_disk/${hctl}/cache_type`)
    await node.sh(`echo "write through" > /sys/block/${disk}/queue/write_cache`)
    const unflushed = await found(node, 'FLUSH_DISABLED')
    expect(unflushed).toMatchObject({ severity: 'warning', subject: 'db' })
    await mendAsTold(node, { ...unflushed, fix: unflushed.fix!.split(',')[0]! })

    await node.sh(`iscsiadm -m node -T ${volume.iqn} -o update -n node.session.scan -v auto`)
    const scanning = await found(node, 'AUTO_SCAN')
    expect(scanning).toMatchObject({ severity: 'info', evidence: { iqn: volume.iqn, scan: 'auto' } })
    await mendAsTold(node, scanning)
    await volume.detach()
  })

  it('AUTO_SCAN, SECRET_READABLE, PROGRAM_MISSING and CHECK_FAILED come with how the node is set up', async ({
    node,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', ...SESSION_HELD)
    const rule = '/run/udev/rules.d/90-scsi-ua.rules'
    await node.mkdir('/run/udev/rules.d')
    await node.write(
      rule,
      'ACTION=="change", ENV{SDEV_UA}=="REPORTED_LUNS_DATA_HAS_CHANGED", RUN+="scan-scsi-target $env{DEVPATH}"\n',
    )
    const scanning = await found(node, 'AUTO_SCAN')
    expect(scanning).toMatchObject({ severity: 'warning', subject: rule })
    await mendAsTold(node, scanning)
    await node.sh(`rm ${rule} /etc/udev/rules.d/90-scsi-ua.rules`)

    const conf = '/etc/iscsi/iscsid.conf'
    const before = await node.sh(`stat -c %a ${conf}`)
    await node.sh(
      `cp -p ${conf} /root/; echo "node.session.auth.password = of-the-site" >> ${conf}; chmod 644 ${conf}`,
    )
    const readable = await found(node, 'SECRET_READABLE')
    expect(readable).toMatchObject({ severity: 'warning', subject: conf, evidence: { mode: '644' } })
    expect(JSON.stringify(readable)).not.toContain('of-the-site')
    // It is not done without consent.
    expect((await diagnose(node, '--fix')).repairs).toEqual([])
    await mendByDoctor(node, readable, true)
    expect(await node.sh(`stat -c %a ${conf}`)).toBe('600')
    await node.sh(`cp -p /root/iscsid.conf ${conf}; chmod ${before} ${conf}`)

    await overlaid(node, 'resize2fs', '', 644)
    expect(await found(node, 'PROGRAM_MISSING')).toMatchObject({
      severity: 'warning',
      subject: 'resize2fs',
      fix: expect.stringContaining('apt-get install e2fsprogs'),
    })
    await node.sh('umount /usr/sbin/resize2fs')
    await gone(node, 'PROGRAM_MISSING')

    // A mount point that cannot be looked at.
    await node.sh('umount /mnt/v; chattr -i /mnt/v; rmdir /mnt/v; ln -s /mnt/v /mnt/v')
    expect(await found(node, 'CHECK_FAILED')).toMatchObject({ severity: 'warning', subject: 'db' })
    await node.sh('rm /mnt/v')
    await gone(node, 'CHECK_FAILED')
    await volume.again(...SESSION_HELD)
    expect(await diagnose(node)).toEqual({ findings: [] })
    await volume.detach()
  })

  // The lab's kernels have no check for hung tasks, and everything built in. The files that say so are replaced.
  it('HUNG_TASK_PANIC comes with a kernel that panics before the hold ends, MODULE_MISSING with one that lacks a module', async ({
    node,
    volume,
  }) => {
    await volume.attach(...SESSION_HELD)
    await node.sh(
      `mkdir -p /run/sysctl; cp -r /proc/sys/kernel/. /run/sysctl/ 2>/dev/null; cd /run/sysctl
       echo 60 > hung_task_timeout_secs; echo 1 > hung_task_panic; mount --bind /run/sysctl /proc/sys/kernel`,
    )
    expect(await found(node, 'HUNG_TASK_PANIC')).toMatchObject({
      severity: 'warning',
      evidence: { seconds: 60, volumes: ['db'] },
      fix: expect.stringContaining('kernel.hung_task_panic=0'),
    })
    await node.sh('sysctl -q -w kernel.hung_task_panic=0')
    await gone(node, 'HUNG_TASK_PANIC')
    await node.sh('echo 1 > /proc/sys/kernel/hung_task_panic')
    await found(node, 'HUNG_TASK_PANIC')
    await lunkeeper(node).run(['hold', 'db', '--set', '59s'])
    await gone(node, 'HUNG_TASK_PANIC')
    await node.sh('umount /proc/sys/kernel')

    // The modules of a kernel that was removed by an upgrade while it runs.
    const modules = '/run/modules/$(uname -r)'
    await node.sh(
      `mkdir -p ${modules}; echo kernel/drivers/scsi/sg.ko > ${modules}/modules.builtin; mkdir -p /lib/modules
       mount --bind /run/modules /lib/modules
       for of in class/iscsi_transport module; do mount -t tmpfs tmpfs /sys/$of; done`,
    )
    expect(await found(node, 'MODULE_MISSING')).toMatchObject({
      severity: 'warning',
      subject: 'iscsi_tcp',
      fix: expect.stringContaining('modprobe iscsi_tcp'),
    })
    await node.sh(`echo kernel/drivers/scsi/iscsi_tcp.ko >> ${modules}/modules.builtin`)
    await gone(node, 'MODULE_MISSING')
    await node.sh('umount /sys/class/iscsi_transport /sys/module /lib/modules')
    expect(await diagnose(node)).toEqual({ findings: [] })
    await volume.detach()
  })

  it('ISCSI_VERSIONS comes with a package that was replaced, OPEN_ISCSI_BUG with a version that is known for one', async ({
    node,
    volume,
  }) => {
    await volume.attach(...SESSION_HELD)
    const restarted = (path: string) =>
      `pkill -KILL -x iscsid; while pidof iscsid; do sleep 0.1; done; ${path}`
    await node.sh(`cp -p /usr/sbin/iscsid /run/iscsid; ${restarted('/run/iscsid')}`)
    await gone(node, 'ISCSID_DOWN')
    await node.sh('cp -p /usr/sbin/iscsid /run/iscsid.new; mv /run/iscsid.new /run/iscsid')
    expect(await found(node, 'ISCSI_VERSIONS')).toMatchObject({
      severity: 'warning',
      evidence: { isReplaced: true },
    })
    await node.sh(restarted('iscsid'))
    await gone(node, 'ISCSI_VERSIONS')

    for (const program of ['iscsid', 'iscsiadm'])
      await overlaid(
        node,
        program,
        `[ "$1" = --version ] && echo "${program} version 2.1.10" || exec /run/real/${program} "$@"`,
      )
    expect(await found(node, 'OPEN_ISCSI_BUG')).toMatchObject({
      severity: 'warning',
      subject: 'open-iscsi 2.1.10',
      fix: expect.stringContaining('2.1.11'),
    })
    await node.sh('umount /usr/sbin/iscsid')
    expect((await found(node, 'ISCSI_VERSIONS')).message).toContain('iscsiadm is 2.1.10')
    await node.sh('umount "$(command -v iscsiadm)"')
    await gone(node, 'OPEN_ISCSI_BUG')
    await gone(node, 'ISCSI_VERSIONS')
    await volume.detach()
  })

  it('RECORD_STALE and DIRECTORY_LEFT are what a detach would have left that lost power in the middle', async ({
    node,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', ...SESSION_HELD)
    const [database] = (await node.sh('ls -d /etc/iscsi/nodes /var/lib/iscsi/nodes 2>/dev/null || :')).split(
      '\n',
    )
    await node.sh(`cp -a ${database} /root/kept`)
    await volume.detach()
    await node.sh(`cp -a /root/kept/. ${database}/; mkdir -p /mnt/v; chattr +i /mnt/v`)
    const stale = await found(node, 'RECORD_STALE')
    expect(stale).toMatchObject({ severity: 'info', evidence: { iqn: volume.iqn } })
    const left = await found(node, 'DIRECTORY_LEFT')
    expect(left).toMatchObject({ severity: 'warning', subject: '/mnt/v' })
    const { repairs, findings } = await diagnose(node, '--fix')
    expect(
      repairs!
        .map(({ code, done, error }) => ({ code, done, error }))
        .toSorted((a, b) => (a.code < b.code ? -1 : 1)),
    ).toEqual([
      { code: 'DIRECTORY_LEFT', done: true, error: null },
      { code: 'RECORD_STALE', done: true, error: null },
    ])
    expect(findings).toEqual([])
    await node.sh('rmdir /mnt/v')
    await expectNothingLeft(node)
  })

  it('STALE_SIZE comes with a LUN that grew, and is critical where it shrank', async ({
    node,
    target,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', ...SESSION_HELD)
    await target.resize(5, 96 * MIB)
    const grown = await found(node, 'STALE_SIZE')
    expect(grown).toMatchObject({ severity: 'warning', subject: 'db', fix: 'lunkeeper expand db' })
    // It is not done without consent.
    expect((await diagnose(node, '--fix')).repairs).toEqual([])
    await mendByDoctor(node, grown, true)
    expect(Number(await node.sh('df --output=size -k /mnt/v | tail -1'))).toBeGreaterThan(70 * 1024)

    await target.resize(5, 64 * MIB)
    const shrunk = await found(node, 'STALE_SIZE')
    expect(shrunk).toMatchObject({ severity: 'critical', message: expect.stringContaining('the LUN shrank') })
    expect((await diagnose(node, '--fix', 'STALE_SIZE')).repairs).toEqual([])
    await target.resize(5, 96 * MIB)
    await gone(node, 'STALE_SIZE')
    await volume.detach()
  })

  it('DUPLICATE_IDENTITY comes with two volumes of one WWID, and goes when the array gives one of them another', async ({
    node,
    target,
    volume,
  }) => {
    await target.map(6, { serial: 'web1', bytes: 32 * MIB })
    await target.map(7, { serial: 'eb1', bytes: 32 * MIB })
    const a = volume.with({ lun: 6, name: 'a' })
    const b = volume.with({ lun: 7, name: 'b' })
    const { identity } = await a.attach(...SESSION_HELD)
    await b.attach(...SESSION_HELD)
    expect(await found(node, 'DUPLICATE_IDENTITY')).toMatchObject({
      severity: 'critical',
      subject: `WWID ${identity!.wwid}`,
      evidence: { disks: [{ lun: 6 }, { lun: 7 }] },
    })
    await b.detach()
    await target.unmap(7)
    await target.map(7, { serial: 'aaaa7', bytes: 32 * MIB })
    await b.attach(...SESSION_HELD)
    await gone(node, 'DUPLICATE_IDENTITY')
    await a.detach()
    await b.detach()
  })

  it('SESSION_UNUSED comes with a dead target that another program uses no more', async ({
    node,
    volume,
  }) => {
    await volume.attach(...SESSION_HELD)
    const dead: Target = await node.lio.target({ portals: ['127.0.0.3:3260'] })
    await dead.map(0)
    await loginByHand(node, dead, { portal: '127.0.0.3', disks: 2 })
    await dead.disable()
    const unused = await found(node, 'SESSION_UNUSED')
    expect(unused).toMatchObject({ severity: 'warning', evidence: { iqn: dead.iqn } })
    expect((await diagnose(node, '--fix')).repairs).toEqual([])
    await mendByDoctor(node, unused, true)
    expect((await node.storage()).sessions).toHaveLength(1)
    await node.sh(`iscsiadm -m node -T ${dead.iqn} -o delete`)
    await volume.detach()
    await expectNothingLeft(node)
  })

  it('ONE_PORTAL comes with the loss of the other one, and with portals of one address', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const both = volume.with({ portals: BOTH })
    await both.mounted('--fs', 'ext4', '--hold', '120s')
    expect(await diagnose(node)).toEqual({ findings: [] })
    const { paths } = await both.status()
    const second = paths.find(({ portal }) => portal.startsWith('127.0.0.2'))!
    await target.removePortal('127.0.0.2:3260')
    await node.sh(
      `ss -K dst 127.0.0.2 dport = 3260 2>/dev/null; echo offline > /sys/block/${second.disk}/device/state`,
    )
    expect(await found(node, 'ONE_PORTAL')).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('all I/O goes through 127.0.0.1:3260; down: 127.0.0.2:3260'),
    })
    await target.addPortal('127.0.0.2:3260')
    await node.sh(`echo running > /sys/block/${second.disk}/device/state || :`)
    await gone(node, 'ONE_PORTAL')
    await both.detach()

    await target.addPortal('127.0.0.1:3261')
    const oneAddress = volume.with({ portals: ['127.0.0.1:3260', '127.0.0.1:3261'] })
    await oneAddress.again()
    expect(await found(node, 'ONE_PORTAL')).toMatchObject({
      severity: 'info',
      message: expect.stringContaining('They share one address'),
    })
    await oneAddress.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })

  it('INITIATOR_SHARED comes with the registration of a node of the same initiator name, and goes with it', async ({
    node,
    target,
    volume,
  }) => {
    const { paths } = await volume.attach(...SESSION_HELD)
    await loginByHand(node, target, { portal: '127.0.0.2', disks: 2 })
    const other = (await node.storage()).disks.find((disk) => disk !== paths[0]!.disk)!
    const key = makeKey('00c0ffee', '0001')
    // LIO registers it, and says NOT READY then: it cannot write its file of registrations.
    const register = (keys: string) => node.sh(`sg_persist --out --register ${keys} /dev/${other} || :`)
    await register(`--param-sark=0x${key}`)
    expect(await found(node, 'INITIATOR_SHARED')).toMatchObject({
      severity: 'critical',
      subject: 'db',
      evidence: { keys: [`0x${key}`] },
    })
    await register(`--param-rk=0x${key} --param-sark=0`)
    await gone(node, 'INITIATOR_SHARED')
    await logoutByHand(node, target, '127.0.0.2')
    await volume.detach()
    await expectNothingLeft(node)
  })

  it('CLOCK_STEPPED comes with a clock that is set, and holds do not depend on it', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', '--hold', '120s')
    await node.sh('date -s "+1 hour"')
    await agent.errors(/the wall clock was set/, SEEN_MS)
    expect(await found(node, 'CLOCK_STEPPED')).toMatchObject({
      severity: 'info',
      message: expect.stringMatching(/set 3(59|60)\d s forward/),
    })
    await node.sh('date -s "-1 hour"')
    await agent.errors(/3(59|60)\d s back/, SEEN_MS)
    expect((await found(node, 'CLOCK_STEPPED')).message).toContain('2 times in a day')
    await volume.detach()
  })
})

describe('doctor reports a multipathd that would take the disks of hold maps', () => {
  const it = onNode({
    memory: 640,
    multipathd: true,
    luns: [{ lun: 5, serial: 'aaaa5', bytes: 64 * MIB }],
    volume: { mount: '/mnt/v' },
  })

  it('MULTIPATH_TAKES comes with rules of udev that are lost, and goes with the next start of the agent', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', '--hold', '120s', '--hold-mode', 'map')
    const conf = '/etc/multipath.conf'
    const before = await node.sh(`cat ${conf} 2>/dev/null || :`)
    await node.sh(`printf '\\ndefaults {\\n  find_multipaths no\\n}\\n' >> ${conf}`)
    expect(await diagnose(node)).toEqual({ findings: [] })
    await node.sh('rm /run/udev/rules.d/*lunkeeper*')
    expect(await found(node, 'MULTIPATH_TAKES')).toMatchObject({
      severity: 'warning',
      evidence: { volumes: ['db'] },
    })
    await agent.stop()
    await agent.start()
    await gone(node, 'MULTIPATH_TAKES')
    await node.write(conf, `${before}\n`)
    await volume.detach()
  })
})
