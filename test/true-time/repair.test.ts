import { describe, expect } from 'vitest'

import type { HistoryReport } from '../../src/state/view/history.ts'
import { onNode } from '../kernel/fixtures.ts'
import { expectNothingLeft, lunkeeper } from '../kernel/node.ts'
import { expectCleanDetach } from '../kernel/volume.ts'
import { Writer } from '../kernel/writer.ts'

/** The agent repairs every 10 minutes (src/cli/operation/repair-loop.ts); the rest is for the repair itself. */
const NEXT_REPAIR_MS = 900_000
const PHANTOMS = [6, 7, 8]

describe('the agent automatically repairs what is safe to repair', () => {
  const it = onNode({
    memory: 640,
    agent: true,
    luns: [4, 5, ...PHANTOMS].map((lun) => ({ lun, serial: `ab${100 + lun}`, bytes: 64 << 20 })),
  })

  it('phantoms of a scan go and a killed detach is finished, while a volume in use writes on', async ({
    node,
    agent,
    volume,
  }) => {
    const killed = volume.with({ lun: 4, name: 'killed' })
    await killed.mounted('--fs', 'ext4')
    await volume.mounted('--fs', 'ext4')
    const writer = await Writer.start(node, `${volume.mount}/file`, 250)
    await lunkeeper(node).run(['detach', 'killed'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })
    expect((await killed.status()).state).toBe('detaching')
    await node.sh('iscsiadm -m session --rescan')
    await node.until(async () => (await node.storage()).disks.length === PHANTOMS.length + 2, {
      deadline: 60_000,
      what: 'the phantoms',
    })

    await agent.errors(/repair: INTERRUPTED killed/, NEXT_REPAIR_MS)
    await agent.errors(/repair: PHANTOMS/, 60_000)
    expect((await node.storage()).disks).toHaveLength(1)
    expect((await lunkeeper(node).volumes()).map(({ name, state }) => [name, state])).toEqual([
      ['db', 'ready'],
    ])
    expect((await lunkeeper(node).run(['doctor'])).code).toBe(0)
    await writer.resumes(30_000)
    expect(writer.errors).toBe(0)
    await writer.stop()

    const { events } = JSON.parse((await lunkeeper(node).run(['history'])).stdout) as HistoryReport
    const repaired = events.filter(({ event }) => event === 'repaired')
    expect(repaired).not.toEqual([])
    expect(repaired.every(({ by }) => by?.via === 'agent')).toBe(true)
    await expectCleanDetach(volume, agent)
    await expectNothingLeft(node)
  })
})
