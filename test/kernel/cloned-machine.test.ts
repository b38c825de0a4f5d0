import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Attachment } from '../../src/model/attachment.ts'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import { agentOn, lunkeeper } from './node.ts'

const ADDRESS = { first: '10.9.0.1', clone: '10.9.0.2' }
const MACHINE_ID = { first: 'a1'.repeat(15) + 'b2', clone: 'c3'.repeat(15) + 'd4' }
const NAMES = ['held', 'plain'] as const

describe('a cloned machine, with the records of the first one', () => {
  let lab: Lab
  let first: LabNode
  let clone: LabNode
  let iqn: string

  const flags = (name: (typeof NAMES)[number]) => [
    '--portal',
    ADDRESS.first,
    '--iqn',
    iqn,
    '--lun',
    String(NAMES.indexOf(name)),
    '--name',
    name,
    '--mount',
    `/mnt/${name}`,
    '--hold-mode',
    name === 'held' ? 'map' : 'session',
  ]

  const record = async (node: LabNode, name: string) =>
    JSON.parse(await node.read(`/var/lib/lunkeeper/volumes/${name}.json`)) as Attachment

  beforeAll(async () => {
    lab = await Lab.open()
    first = await lab.boot({ name: 'first', address: ADDRESS.first })
    await first.write('/etc/machine-id', `${MACHINE_ID.first}\n`)
    const target = await first.lio.target({ portals: [`${ADDRESS.first}:3260`] })
    iqn = target.iqn
    await target.mapMany(NAMES.map((_, lun) => ({ lun, serial: `c10e${lun}`, bytes: 64 << 20 })))
    const agent = await agentOn(first)
    for (const name of NAMES) await lunkeeper(first).attach([...flags(name), '--format'])
    await agent.kill('SIGTERM')
    await agent.exited
    await first.sh('tar -cf /lab/share/disk.tar /var/lib/lunkeeper /etc/iscsi')
    clone = await lab.boot({ name: 'clone', address: ADDRESS.clone, restore: 'disk.tar' })
    await clone.write('/etc/machine-id', `${MACHINE_ID.clone}\n`)
  })
  afterAll(() => lab?.close())

  it('the agent attaches none of them, and says why; so do volumes and doctor', async () => {
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
    // What the first one has mounted has one user.
    const { sessions, mounts } = await clone.storage()
    expect({ sessions, mounts }).toEqual({ sessions: [], mounts: [] })
    await agent.kill('SIGTERM')
    await agent.exited
  })

  it('a person who attaches a volume there takes its record over, and then the agent keeps it', async () => {
    for (const name of NAMES) await lunkeeper(first).detach(name)
    const agent = await agentOn(clone)
    const volume = await lunkeeper(clone).attach(flags('held'))
    expect(volume).toMatchObject({ state: 'ready', hold: { mode: 'map' }, mount: '/mnt/held' })
    expect(volume.ofAnotherMachine).toBeUndefined()
    const machine = (await record(clone, 'held')).machine
    expect(machine).toMatch(/^machine-id:/)
    expect(machine).not.toBe((await record(clone, 'plain')).machine)
    await agent.kill('SIGTERM')
    await agent.exited
    // As after a reboot of the clone.
    await clone.sh('umount /mnt/held; dmsetup remove --noudevsync lunkeeper-held; iscsiadm -m node -u')
    const next = await agentOn(clone)
    await clone.until(async () => (await clone.storage()).mounts.includes('/mnt/held'), {
      deadline: 60_000,
      what: 'the volume that was taken over, attached again',
    })
    expect((await clone.storage()).mounts).toEqual(['/mnt/held'])
    await next.kill('SIGTERM')
    await next.exited
  })

  it('a record of a version that wrote no machine is this machine’s, and gets its id', async () => {
    const { machine, ...old } = await record(clone, 'held')
    await clone.write('/var/lib/lunkeeper/volumes/held.json', JSON.stringify(old))
    const agent = await agentOn(clone)
    // The agent says that it runs before it has gone through its records.
    await clone.until(async () => (await record(clone, 'held')).machine === machine, {
      deadline: 60_000,
      what: 'the id of this machine in the old record',
    })
    // Gone from the kernel, it is attached again all the same.
    await agent.kill('SIGTERM')
    await agent.exited
    await clone.sh('umount /mnt/held; dmsetup remove --noudevsync lunkeeper-held; iscsiadm -m node -u')
    await clone.write('/var/lib/lunkeeper/volumes/held.json', JSON.stringify(old))
    const next = await agentOn(clone)
    await clone.until(async () => (await clone.storage()).mounts.includes('/mnt/held'), {
      deadline: 60_000,
      what: 'the volume of the old record, attached again',
    })
    expect((await record(clone, 'held')).machine).toBe(machine)
    const [held] = await lunkeeper(clone).volumes()
    expect(held).toMatchObject({ name: 'held', state: 'ready' })
    await next.kill('SIGTERM')
    await next.exited
  })
})
