import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { startEngine } from './engine.ts'
import { expectNothingLeft, kernels } from './node.ts'

const BYTES = 320 << 20

describe.each(kernels('bookworm'))('file systems from elsewhere (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let engine: Engine

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 768 })
    engine = await startEngine(node)
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.lio.clear()
    await node.remove('/dev/shm/luns')
  })

  const asked = (name: string, more: Partial<EngineOptions> = {}): EngineOptions => ({
    iqn: target.iqn,
    name,
    mount: `/mnt/${name}`,
    ...more,
  })

  async function make(): Promise<void> {
    target = await node.lio.target()
    await target.map(5, { name: 'v5', serial: 'cc5', bytes: BYTES })
  }

  /** An ext4 that has a feature without a name. */
  async function newer(feature: string): Promise<void> {
    await make()
    const { device } = await engine.attach(5, { iqn: target.iqn, name: 'db' })
    await node.sh(`mkfs.ext4 -q ${device} && debugfs -w -R 'feature ${feature}' ${device}`)
    await engine.detach('db')
  }

  it('an ext4 that is too new for e2fsck, and not for the kernel: mounted without a check, with a warning', async () => {
    await newer('FEATURE_C20')
    expect(await engine.attach(5, asked('db'))).toMatchObject({ state: 'ready', fs: 'ext4' })
    expect(engine.warnings).toEqual([expect.stringMatching(/not checked: .*FEATURE_C20/)])
    await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
    await engine.detach('db')
    await expectNothingLeft(node)
  })

  it('an ext4 that is too new for the kernel as well is not called damaged', async () => {
    await newer('FEATURE_R20')
    const said = await engine.refuses('MOUNT_FAILED', 5, asked('db'))
    expect(said).toContain('FEATURE_R20')
    expect(said).toContain('not damaged')
    await expectNothingLeft(node)
  })

  it('a clone of an xfs that is mounted: the message names it, and nouuid mounts both', async () => {
    await make()
    await engine.attach(5, asked('db', { fs: 'xfs', format: true }))
    await node.sh('echo original > /mnt/db/file')
    await engine.detach('db')
    await node.sh('cp --sparse=always /dev/shm/luns/v5 /dev/shm/luns/v6')
    await target.map(6, { name: 'v6', serial: 'cc6', bytes: BYTES })
    await engine.attach(5, asked('db'))
    const said = await engine.refuses('MOUNT_FAILED', 6, asked('copy'))
    expect(said).toMatch(/UUID .*\/mnt\/db.*clone/)
    expect(said).toContain('--mount-option nouuid')
    await engine.attach(6, asked('copy', { options: ['nouuid'] }))
    expect(await node.read('/mnt/copy/file')).toBe('original\n')
    await engine.detach('copy')
    await engine.detach('db')
    await expectNothingLeft(node)
  })
})
