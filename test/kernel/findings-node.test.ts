import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { diagnose, found, gone, mendAsTold, mendByDoctor } from './diagnosis.ts'
import { onNode } from './fixtures.ts'
import { lunkeeper } from './node.ts'
import { SEEN_MS, SESSION_HELD } from './volume.ts'

// See findings.test.ts, which also says where each of the other findings is tested.

/** Mounts a script over a program until it is unmounted: the lab's /usr is read-only. */
async function overlaid(node: LabNode, program: string, script: string, mode = 755): Promise<void> {
  const [real, over] = [`/run/real/${program}`, `/run/over/${program}`]
  await node.mkdir('/run/over')
  await node.write(over, `#!/bin/sh\n${script}\n`)
  await node.sh(
    `mkdir -p /run/real; p=$(readlink -f "$(command -v ${program})"); cp -p $p ${real}; chmod ${mode} ${over}; mount --bind ${over} $p`,
  )
}

describe('doctor reports what is wrong with the settings of a node, and no longer after its remedy', () => {
  const it = onNode({
    memory: 640,
    luns: [{ lun: 5, serial: 'aaaa5', name: 'ours' }],
    volume: { mount: '/mnt/v' },
  })

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

    // A mount point that cannot be examined.
    await node.sh('umount /mnt/v; chattr -i /mnt/v; rmdir /mnt/v; ln -s /mnt/v /mnt/v')
    expect(await found(node, 'CHECK_FAILED')).toMatchObject({ severity: 'warning', subject: 'db' })
    await node.sh('rm /mnt/v')
    await gone(node, 'CHECK_FAILED')
    await volume.again(...SESSION_HELD)
    expect(await diagnose(node)).toEqual({ findings: [] })
    await volume.detach()
  })

  // The lab's kernels have no check for hung tasks, and everything built in. The files that show this are replaced.
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

    // The modules of a running kernel that an upgrade has removed.
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
    luns: [{ lun: 5, serial: 'aaaa5' }],
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
