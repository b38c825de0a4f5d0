import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { kernels } from './node.ts'
import { expectCheckStopped } from './slow-check.ts'
import { OURS, putBack, swap } from './swap.ts'
import { SEEN_MS } from './volume.ts'
import { expectNoError, Writer } from './writer.ts'

describe.each(kernels('bookworm'))('the agent checks which volume answers at a LUN (%s)', (debian) => {
  const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })

  it('a LUN that is swapped under an idle volume receives no byte, and the volume recovers without help', async ({
    node,
    target,
    volume,
  }) => {
    await volume.mounted()
    await node.sh('echo kept > /mnt/db/file; sync')
    // A new ext4 writes in the background for a while; the journal is quiet after that.
    const written = () => node.sh("awk '{ print $3, $7 }' /sys/block/sda/stat")
    await node.until(
      async () => {
        const before = await written()
        await node.sh('sync; sleep 8')
        return (await written()) === before
      },
      { deadline: SEEN_MS, what: 'a quiet file system' },
    )
    // The agent has seen the volume since.
    await node.sh('sleep 7')
    await swap(target)
    const before = await target.hash(5)
    await volume.state('holding')
    await node.sh('echo more > /mnt/db/more')
    await putBack(target)
    await volume.state('ready')
    await node.sh('sync -f /mnt/db')
    expect(await node.sh('cat /mnt/db/file /mnt/db/more')).toContain('kept\nmore')
    await volume.detach()
    await swap(target)
    expect(await target.hash(5)).toBe(before)
  })

  it('an idle volume whose LUN is unmapped is not probed in a tight loop', async ({
    node,
    target,
    volume,
  }) => {
    await volume.mounted()
    await node.sh('sync')
    await target.unmap(5, { keep: true })
    await volume.state('holding')
    const commands = async () =>
      node.sh('cat /sys/class/scsi_device/*/device/iorequest_cnt 2>/dev/null | tr "\\n" " "')
    const before = await commands()
    await node.sh('sleep 4')
    const after = await commands()
    const sum = (text: string) =>
      text
        .trim()
        .split(' ')
        .map(Number)
        .reduce((a, b) => a + b, 0)
    expect(sum(after) - sum(before)).toBeLessThan(200)
    await target.mapMany([OURS])
    await volume.state('ready')
  })

  it('a path that the kernel fails is reinstated at once although its session was never lost', async ({
    node,
    volume,
  }) => {
    await volume.mounted()
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh('dmsetup message lunkeeper-db 0 "fail_path 8:0"')
    await writer.resumes(20_000, 5)
    await expectNoError(writer)
  })

  it('a path that fails while the agent does not hear the kernel is reinstated once it does again', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted()
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh('pkill -f "[u]devadm monitor"; dmsetup message lunkeeper-db 0 "fail_path 8:0"')
    // The survey of the maps, which comes every minute, is not what notices it.
    await writer.resumes(20_000, 5)
    await agent.errors(/I\/O resumed/)
    await expectNoError(writer)
  })

  it('a volume whose paths the kernel has failed is holding, and not ready, while no agent runs', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted()
    await agent.stop()
    expect((await volume.status()).state).toBe('ready')
    await node.sh('dmsetup message lunkeeper-db 0 "fail_path 8:0"')
    expect((await volume.status()).state).toBe('holding')
    await node.sh('dmsetup message lunkeeper-db 0 "reinstate_path 8:0"')
    expect((await volume.status()).state).toBe('ready')
    await agent.start()
    await volume.state('ready')
  })

  it('a file system check during which the LUN is swapped writes nothing more', async ({
    target,
    volume,
  }) => {
    await expectCheckStopped(target, volume, () => swap(target))
  })

  it('a hold does not end when the clock is set', async ({ node, target, agent, volume }) => {
    await volume.mounted('--hold', '600s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    const before = (await volume.status()).hold
    await node.sh("date -s '+1 hour' >/dev/null")
    await node.sh('sleep 3')
    const { state, hold } = await volume.status()
    expect(state).toBe('holding')
    // The remaining time is the same, by the clock as it is now.
    expect(Date.parse(hold.deadline!) - Date.parse(before.deadline!)).toBeGreaterThan(3_500_000)
    await node.sh("date -s '-1 hour' >/dev/null")
    await target.enable()
    await writer.resumes(SEEN_MS, 3)
    await expectNoError(writer)
  })
})
