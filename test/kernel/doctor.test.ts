import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import type { Diagnosis, Finding } from '../../src/doctor/finding.ts'
import { onNode } from './fixtures.ts'
import { isEverything, killAndWait, lunkeeper } from './node.ts'
import { loginByHand } from './other-session.ts'
import { Writer } from './writer.ts'

const BYTES = 64 << 20

describe('doctor finds what is wrong on a node', () => {
  const it = onNode({
    memory: 640,
    luns: [{ lun: 5, serial: 'aaaa5', bytes: BYTES, name: 'ours' }],
    volume: { mount: '/mnt/v' },
  })

  async function doctor(node: LabNode, status: number, ...more: string[]): Promise<Diagnosis> {
    const ended = await lunkeeper(node).run(['doctor', ...more])
    expect(ended.code, `${ended.stderr}${ended.stdout}`).toBe(status)
    return JSON.parse(ended.stdout) as Diagnosis
  }

  const well = (node: LabNode) =>
    node.until(async () => (await lunkeeper(node).run(['doctor'])).code === 0, {
      deadline: 20_000,
      what: 'nothing wrong',
    })

  const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code)

  it('doctor is silent when all is well, and reports an outage, an agent that is gone in it, and the broken file system after it', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', '--hold', '120s')
    expect(await doctor(node, 0)).toEqual({ findings: [] })
    const text = await node.run(['lunkeeper', 'doctor'])
    expect(text).toMatchObject({ code: 0, stdout: 'No findings on this node.\n' })
    const writer = await Writer.start(node, '/mnt/v/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    const started = Date.now()
    const { findings } = await doctor(node, 3)
    // It does not wait for anything that is held.
    expect(Date.now() - started).toBeLessThan(patient(5_000))
    expect(findings).toMatchObject([{ code: 'HOLDING', severity: 'warning', subject: 'db' }])
    const { since, deadline } = findings[0]!.evidence as { since: string; deadline: string }
    expect(Date.parse(deadline) - Date.parse(since)).toBe(120_000)

    await agent.kill()
    expect((await doctor(node, 3)).findings).toMatchObject([
      { code: 'AGENT_MISSING', severity: 'critical', evidence: { waiting: ['db'] } },
      { code: 'HOLDING' },
    ])

    await agent.start()
    const user = await node.start(['sh', '-c', 'cd /mnt/v && echo in && exec sleep 1000'])
    await user.output(/in/)
    await lunkeeper(node).run(['hold', 'db', '--give-up'])
    await writer.fails(5_000)
    await target.enable()
    await agent.errors(/sleep/, 20_000)
    const after = (await doctor(node, 3)).findings
    expect(codes(after)).toEqual(['VOLUME_FAILED', 'FS_BROKEN'])
    expect(after[1]).toMatchObject({ severity: 'critical', evidence: { mount: '/mnt/v', fs: 'ext4' } })
    await writer.stop()
    await killAndWait(user)
    await well(node)
  })

  it('doctor reports a session timer that was lowered by hand, a session that is down, and another volume at the LUN', async ({
    node,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '120s', '--hold-mode', 'session')
    expect(await doctor(node, 0)).toEqual({ findings: [] })
    await node.sh('echo 5 | tee /sys/class/iscsi_session/session*/recovery_tmo')
    expect((await doctor(node, 3)).findings).toMatchObject([
      {
        code: 'HOLD_SHORT',
        severity: 'warning',
        subject: 'db',
        evidence: { wanted: 120, effective: 5, sessions: [{ recoveryTmo: 5 }] },
        fix: 'lunkeeper hold db --set 120',
      },
    ])
    await lunkeeper(node).run(['hold', 'db', '--set', '120'])
    expect(await doctor(node, 0)).toEqual({ findings: [] })

    await target.unmap(5, { keep: true })
    await target.map(5, { serial: 'bbbb5', bytes: BYTES, name: 'foreign' })
    const [wrong] = (await doctor(node, 3)).findings
    expect(wrong).toMatchObject({ code: 'WRONG_VOLUME', severity: 'critical', subject: 'db' })
    await target.unmap(5, { keep: true })
    await target.map(5, { name: 'ours' })
    expect(await doctor(node, 0)).toEqual({ findings: [] })

    await node.sh('dmsetup create lunkeeper-lost --uuid lunkeeper-lost --noudevsync --table "0 8 zero"')
    expect(codes((await doctor(node, 3)).findings)).toEqual(['AGENT_MISSING', 'MAP_UNOWNED'])
    await node.sh('dmsetup remove --noudevsync lunkeeper-lost')

    await node.sh('pkill -KILL -x iscsid; sleep 0.2')
    expect((await doctor(node, 3)).findings).toMatchObject([{ code: 'ISCSID_DOWN', severity: 'critical' }])
    await node.sh('iscsid')
    // A new iscsid logs in again automatically.
    await well(node)

    await target.disable()
    await node.until(async () => (await lunkeeper(node).sessions())[0]!.state === 'FAILED', {
      deadline: 20_000,
      what: 'a lost session',
    })
    expect(codes((await doctor(node, 3)).findings).toSorted()).toEqual(['HOLDING', 'SESSION_DOWN'])
  })

  it.runIf(isEverything)(
    'doctor reports a map that was told not to queue, and an xfs that has shut down',
    async ({ node, target, agent, volume }) => {
      // mkfs.xfs refuses less than 300 MB.
      await target.map(6, { serial: 'aaaa6', bytes: 320 << 20 })
      await volume.with({ lun: 6, mount: '/mnt/x' }).mounted('--fs', 'xfs', '--hold', '600s')
      expect(await doctor(node, 0)).toEqual({ findings: [] })

      await agent.kill()
      await node.sh('dmsetup message lunkeeper-db 0 fail_if_no_path')
      const { findings } = await doctor(node, 3)
      expect(findings).toMatchObject([
        { code: 'HOLD_SHORT', evidence: { mode: 'map', wanted: 600, effective: 0 } },
        { code: 'AGENT_MISSING' },
      ])
      // Apply the remedy that it names.
      await node.sh(findings[0]!.fix!)
      expect(codes((await doctor(node, 3)).findings)).toEqual(['AGENT_MISSING'])

      await agent.start()
      const user = await node.start(['sh', '-c', 'cd /mnt/x && echo in && exec sleep 1000'])
      await user.output(/in/)
      const writer = await Writer.start(node, '/mnt/x/file')
      await target.disable()
      await agent.errors(/all paths lost/)
      await lunkeeper(node).run(['hold', 'db', '--give-up'])
      await writer.fails(10_000)
      // A failed data write is not a failure of its log: only the latter shuts it down.
      await node.until(
        async () => (await node.run(['sh', '-c', 'touch /mnt/x/$$ && sync -f /mnt/x'])).code !== 0,
        {
          deadline: 20_000,
          what: 'an xfs that is shut down',
        },
      )
      await target.enable()
      await agent.errors(/sleep/, 60_000)
      const after = (await doctor(node, 3)).findings
      expect(codes(after)).toEqual(['VOLUME_FAILED', 'FS_BROKEN'])
      expect(after[1]).toMatchObject({ severity: 'critical', evidence: { mount: '/mnt/x', fs: 'xfs' } })
      await writer.stop()
      await killAndWait(user)
      await well(node)
    },
  )

  it('doctor reports a corrupt record, files in a bare mount point, phantoms, and an interrupted detach', async ({
    node,
    target,
    volume,
  }) => {
    await target.map(6, { serial: 'aaaa6', bytes: BYTES })
    await target.map(7, { serial: 'aaaa7', bytes: BYTES })
    await loginByHand(node, target, { disks: 3 })
    // We have no volume at that target: this is reported, and is not a failure.
    expect((await doctor(node, 0)).findings).toMatchObject([
      { code: 'PHANTOMS', severity: 'info', evidence: { count: 3, iqn: target.iqn } },
    ])
    await volume.mounted('--fs', 'ext4', '--hold-mode', 'session')
    await node.sh(
      'umount /mnt/v; chattr -i /mnt/v; echo astray > /mnt/v/file; echo "{" > /var/lib/lunkeeper/volumes/x.json',
    )
    const { findings } = await doctor(node, 3)
    expect(codes(findings).toSorted()).toEqual([
      'BARE_DIRECTORY',
      'PHANTOMS',
      'RECORD_CORRUPT',
      'VOLUME_FAILED',
    ])
    expect(findings.find(({ code }) => code === 'BARE_DIRECTORY')!.evidence).toMatchObject({
      directory: '/mnt/v',
      first: ['file'],
    })
    expect(findings.find(({ code }) => code === 'PHANTOMS')).toMatchObject({
      severity: 'warning',
      evidence: { count: 2 },
    })
    expect(await node.sh('rm -v /var/lib/lunkeeper/volumes/x.json /mnt/v/file | wc -l')).toBe('2')

    await lunkeeper(node).run(['detach', 'db'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })
    expect(codes((await doctor(node, 3)).findings)).toContain('INTERRUPTED')
    const dry = await doctor(node, 3, '--fix', '--dry-run')
    // Two repairs while the record exists: without a volume of ours at that target its disks stay.
    expect(dry.repairs).toMatchObject([
      { code: 'INTERRUPTED', subject: 'db', done: false, error: null },
      { code: 'PHANTOMS', done: false, error: null },
    ])
    expect(await lunkeeper(node).volumes()).toHaveLength(1)
    const fixed = await doctor(node, 0, '--fix')
    expect(fixed.repairs).toMatchObject([
      { code: 'INTERRUPTED', subject: 'db', done: true },
      { code: 'PHANTOMS', done: true, action: expect.stringContaining('2 of') },
    ])
    expect(codes(fixed.findings)).toEqual([])
    expect(await lunkeeper(node).volumes()).toEqual([])
  })
})
