import { describe, expect } from 'vitest'

import type { Target } from '../../lab/index.ts'
import { makeKey } from '../../src/model/reservation.ts'
import { diagnose, found, gone, mendByDoctor } from './diagnosis.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft } from './node.ts'
import { loginByHand, logoutByHand } from './other-session.ts'
import { SESSION_HELD } from './volume.ts'

// A case for each finding of docs/findings.md: its cause is created, doctor reports it, its remedy is applied as an
// operator would, and doctor no longer reports it. Other files test the findings about a node's settings
// (findings-node.test.ts), outages and broken file systems (doctor.test.ts), phantoms (doctor-fix.test.ts),
// HELD_BESIDE (holders.test.ts), FENCED and UNGUARDED (owner.test.ts), LIMIT_RAISED (hold-room.test.ts) and
// RECORD_OF_ANOTHER_MACHINE (cloned-machine.test.ts).

const MIB = 1 << 20
const BOTH = ['127.0.0.1', '127.0.0.2']

describe('doctor reports what is wrong with volumes, and no longer after its remedy', () => {
  const it = onNode({
    memory: 640,
    target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
    luns: [{ lun: 5, serial: 'aaaa5', bytes: 64 * MIB, name: 'ours' }],
    volume: { mount: '/mnt/v' },
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
    // An administrator has set the flag after the detach.
    expect((await diagnose(node)).findings.map(({ code }) => code)).toEqual(['RECORD_STALE'])
    // That the detach has cleared it was not written out: the directory is as it was before.
    await node.sh(
      "date -s '-1 hour' > /dev/null; chattr -i /mnt/v; chattr +i /mnt/v; date -s '+1 hour' > /dev/null",
    )
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
    // LIO registers the key, but then answers NOT READY: it cannot write its file of registrations.
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
})
