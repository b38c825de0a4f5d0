import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

/** device-mapper takes 127 characters, 10 of which are the prefix; a volume's name may have 128. */
describe.each(kernels('bookworm'))('a volume with a long name (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.mapMany([117, 118, 128].map((lun) => ({ lun, serial: `a${lun}`, bytes: 32 << 20 })))
    agent = await node.start(['lunkeeper', 'agent'])
    await agent.errors(/ready/, 120_000)
  })
  afterAll(() => lab?.close())

  const nameOf = (length: number) => 'n'.repeat(length)
  /** Each has a LUN of its own, which is blank. */
  const flags = (name: string) =>
    `--portal 127.0.0.1 --iqn ${target.iqn} --lun ${name.length} --name ${name} --mount /mnt/v --format --hold 120s`.split(
      ' ',
    )

  it.each([117, 118])('of %i characters has a hold map, and leaves nothing behind', async (length) => {
    const volume = await lunkeeper(node).attach(flags(nameOf(length)))
    expect(volume.hold.mode).toBe('map')
    expect(volume.device!.startsWith(`/dev/mapper/lunkeeper-${'n'.repeat(80)}`)).toBe(true)
    const { findings } = JSON.parse((await lunkeeper(node).run(['doctor'])).stdout) as {
      findings: { code: string }[]
    }
    expect(findings.map(({ code }) => code)).not.toContain('MAP_UNOWNED')
    await lunkeeper(node).detach(nameOf(length))
    expect((await node.storage()).maps).toEqual([])
  })

  it('of 128 characters lives through an outage', async () => {
    const name = nameOf(128)
    await lunkeeper(node).attach(flags(name))
    const writer = await Writer.start(node, '/mnt/v/file')
    await target.disable()
    await agent.errors(/its last path is lost/)
    expect((await lunkeeper(node).volumes())[0]!.state).toBe('holding')
    await target.enable()
    await writer.goesOn(60_000, 5)
    expect((await lunkeeper(node).volumes())[0]!.state).toBe('ready')
    await writer.stop()
    await lunkeeper(node).detach(name)
    await agent.kill('SIGTERM')
    await agent.exited
    await target.remove({ removeFiles: true })
    await expectNothingLeft(node)
  })
})
