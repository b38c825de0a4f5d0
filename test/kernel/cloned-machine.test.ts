import { describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import type { Attachment } from '../../src/model/attachment.ts'
import { Agent } from './agent.ts'
import { openLab } from './fixtures.ts'
import { lunkeeper } from './node.ts'
import { Volume } from './volume.ts'

const ADDRESS = { first: '10.9.0.1', clone: '10.9.0.2' }
const MACHINE_ID = { first: 'a1'.repeat(15) + 'b2', clone: 'c3'.repeat(15) + 'd4' }
const NAMES = ['held', 'plain'] as const
const MODES = { held: 'map', plain: 'session' } as const

describe('a cloned machine does not use the records of the first one', () => {
  let target: Target
  let first: LabNode
  let clone: LabNode

  openLab(async (lab) => {
    first = await lab.boot({ name: 'first', address: ADDRESS.first })
    await first.write('/etc/machine-id', `${MACHINE_ID.first}\n`)
    target = await first.lio.target({ portals: [`${ADDRESS.first}:3260`] })
    await target.mapMany(NAMES.map((_, lun) => ({ lun, serial: `c10e${lun}` })))
    const agent = await Agent.start(first)
    for (const name of NAMES) await volume(first, name).mounted('--hold-mode', MODES[name])
    await agent.stop()
    await first.sh('tar -cf /lab/share/disk.tar /var/lib/lunkeeper /etc/iscsi')
    clone = await lab.boot({ name: 'clone', address: ADDRESS.clone, restore: 'disk.tar' })
    await clone.write('/etc/machine-id', `${MACHINE_ID.clone}\n`)
  })

  const volume = (node: LabNode, name: (typeof NAMES)[number]) =>
    new Volume(node, target, { name, lun: NAMES.indexOf(name), portals: [ADDRESS.first] })

  /** The state after a reboot of the clone: the kernel does not know the volume, and an agent attaches it automatically. */
  async function comesBack(): Promise<void> {
    const agent = await Agent.start(clone)
    await clone.until(async () => (await clone.storage()).mounts.includes('/mnt/held'), {
      deadline: 60_000,
      what: 'the volume, attached again',
    })
    expect((await clone.storage()).mounts).toEqual(['/mnt/held'])
    await agent.stop()
  }

  const record = async (node: LabNode, name: string) =>
    JSON.parse(await node.read(`/var/lib/lunkeeper/volumes/${name}.json`)) as Attachment

  it('the agent attaches none of them, and volumes and doctor say why, as the agent does', async () => {
    const agent = await clone.start(['lunkeeper', 'agent'])
    await agent.errors(/restored|ready/)
    await agent.errors(/held: not attached automatically: .*another machine/)
    await agent.errors(/plain: not attached automatically: .*another machine/)
    const listed = await lunkeeper(clone).volumes()
    expect(listed).toMatchObject(NAMES.map((name) => ({ name, ofAnotherMachine: true, mount: null })))
    const doctor = await lunkeeper(clone).run(['doctor'])
    const { findings } = JSON.parse(doctor.stdout) as Diagnosis
    expect(findings.map(({ code, subject }) => [code, subject])).toEqual(
      NAMES.map((name) => ['RECORD_OF_ANOTHER_MACHINE', name]),
    )
    // What the first machine has mounted has a single user.
    const { sessions, mounts } = await clone.storage()
    expect({ sessions, mounts }).toEqual({ sessions: [], mounts: [] })
    await agent.kill('SIGTERM')
    await agent.exited
  })

  it('attach on the clone takes a record over, and the agent attaches the volume from then on', async () => {
    for (const name of NAMES) await volume(first, name).detach()
    const agent = await Agent.start(clone)
    const held = await volume(clone, 'held').again('--hold-mode', MODES.held)
    expect(held).toMatchObject({ state: 'ready', hold: { mode: 'map' }, mount: '/mnt/held' })
    expect(held.ofAnotherMachine).toBeUndefined()
    const machine = (await record(clone, 'held')).machine
    expect(machine).toMatch(/^machine-id:/)
    expect(machine).not.toBe((await record(clone, 'plain')).machine)
    await agent.stop()
    await clone.sh('umount /mnt/held; dmsetup remove --noudevsync lunkeeper-held; iscsiadm -m node -u')
    await comesBack()
  })

  it('a record without a machine id, of an older version, belongs to this machine and gets its id', async () => {
    const { machine, ...old } = await record(clone, 'held')
    await clone.write('/var/lib/lunkeeper/volumes/held.json', JSON.stringify(old))
    const agent = await Agent.start(clone)
    // The agent reports that it is running before it has gone through its records.
    await clone.until(async () => (await record(clone, 'held')).machine === machine, {
      deadline: 60_000,
      what: 'the id of this machine in the old record',
    })
    // The volume is gone from the kernel, but is attached again all the same.
    await agent.stop()
    await clone.sh('umount /mnt/held; dmsetup remove --noudevsync lunkeeper-held; iscsiadm -m node -u')
    await clone.write('/var/lib/lunkeeper/volumes/held.json', JSON.stringify(old))
    await comesBack()
    expect((await record(clone, 'held')).machine).toBe(machine)
    expect((await volume(clone, 'held').status()).state).toBe('ready')
  })
})
