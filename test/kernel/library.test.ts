import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels } from './node.ts'

describe.each(kernels('bookworm'))('the examples of the library run (%s)', (debian) => {
  const it = onNode({
    debian,
    after: 'keep',
    luns: [{ lun: 17, serial: '5a400011', name: 'orders' }],
  })

  /** Runs a program of examples/ as its first lines describe. */
  async function example(node: LabNode, name: string, ...args: string[]) {
    const { code, stdout, stderr } = await node.run(['node', `/lab/project/examples/${name}.ts`, ...args])
    return { code, stdout, stderr }
  }

  async function succeeds(node: LabNode, name: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await example(node, name, ...args)
    expect(code, stderr).toBe(0)
    return stdout
  }

  it('the examples attach, show, hold, claim, expand and detach a volume, and leave nothing behind', async ({
    node,
    target,
  }) => {
    const attached = await example(node, 'attach', '127.0.0.1', target.iqn, '17', '/mnt/orders')
    expect(attached).toMatchObject({ code: 0, stdout: 'orders is ready at /mnt/orders\n' })
    expect(attached.stderr).toMatch(/^mount \/mnt\/orders\n {2}done$/m)
    await node.sh('echo paid > /mnt/orders/1 && sync -f /mnt/orders')
    // It verifies what exists, and changes nothing.
    expect((await example(node, 'attach', '127.0.0.1', target.iqn, '17', '/mnt/orders')).stderr).toBe('')

    expect(await succeeds(node, 'volumes')).toBe(
      'orders ready /mnt/orders 127.0.0.1:3260 LOGGED_IN\n1 volumes\n',
    )
    expect(await succeeds(node, 'hold', 'orders', '2h')).toBe('would hold for 7200 s\n')
    expect(await succeeds(node, 'hold', 'orders')).toBe('would hold for 7200 s\n')
    expect((await example(node, 'hold', 'orders', 'long')).stderr).toContain('BAD_HOLD')
    expect(await succeeds(node, 'owner', 'orders')).toMatch(/^own: the target has reserved it for this node/)
    expect(await succeeds(node, 'expand', 'orders')).toBe('nothing to do\n')
    expect(await succeeds(node, 'give-up')).toBe('')
    expect(await succeeds(node, 'doctor')).toMatch(/^\d+ findings$/m)

    const user = await node.start(['sh', '-c', 'cd /mnt/orders && echo inside && cat'])
    await user.output(/inside/)
    const detaching = await node.start(['node', '/lab/project/examples/detach.ts', 'orders'])
    await detaching.errors(/in use|uses|\bcat\b/)
    expect(await node.read('/mnt/orders/1')).toBe('paid\n')
    await user.kill('SIGTERM')
    expect((await detaching.output(/^.* is detached.*\n/m))[0]).toMatch(/^orders is detached; removed sd/)
    await detaching.exited
    await expectNothingLeft(node)
  })

  it('the examples attach several LUNs at once on one host, and report the one that is absent', async ({
    node,
    target,
  }) => {
    await target.map(18, { serial: '5a400012', bytes: 16 << 20, name: 'second' })
    const stdout = await succeeds(node, 'several', '127.0.0.1', target.iqn, '17', '18', '99')
    expect(stdout).toMatch(/^17 \/dev\/\S+\n18 \/dev\/\S+\n99 .*99.*\n$/)
    const names = (await succeeds(node, 'volumes')).match(/^\S+-lun\d+/gm)
    expect(names).toHaveLength(2)
    for (const name of names!) await succeeds(node, 'detach', name)
    await expectNothingLeft(node)
  })
})
