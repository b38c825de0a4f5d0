import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels } from './node.ts'

const BYTES = 320 << 20

describe.each(kernels('bookworm'))(
  'a file system that another machine made is treated with care (%s)',
  (debian) => {
    const it = onNode({
      debian,
      memory: 768,
      after: 'clear',
      luns: [{ lun: 5, name: 'v5', serial: 'cc5', bytes: BYTES }],
    })

    const asked = (target: Target, name: string, more: Partial<EngineOptions> = {}): EngineOptions => ({
      iqn: target.iqn,
      name,
      mount: `/mnt/${name}`,
      ...more,
    })

    /** An ext4 that has a feature without a name. */
    async function newer(node: LabNode, target: Target, engine: Engine, feature: string): Promise<void> {
      const { device } = await engine.attach(5, { iqn: target.iqn, name: 'db' })
      await node.sh(`mkfs.ext4 -q ${device} && debugfs -w -R 'feature ${feature}' ${device}`)
      await engine.detach('db')
    }

    it('an ext4 that is too new for e2fsck but not for the kernel is mounted without a check, with a warning', async ({
      node,
      target,
      engine,
    }) => {
      await newer(node, target, engine, 'FEATURE_C20')
      expect(await engine.attach(5, asked(target, 'db'))).toMatchObject({ state: 'ready', fs: 'ext4' })
      expect(engine.warnings).toEqual([expect.stringMatching(/not checked: .*FEATURE_C20/)])
      await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
      await engine.detach('db')
      await expectNothingLeft(node)
    })

    it('an ext4 that is too new for the kernel as well is not called damaged', async ({
      node,
      target,
      engine,
    }) => {
      await newer(node, target, engine, 'FEATURE_R20')
      const said = await engine.refuses('MOUNT_FAILED', 5, asked(target, 'db'))
      expect(said).toContain('FEATURE_R20')
      expect(said).toContain('not damaged')
      await expectNothingLeft(node)
    })

    it('a clone of a mounted xfs is refused with a message that names it, and nouuid mounts both', async ({
      node,
      target,
      engine,
    }) => {
      await engine.attach(5, asked(target, 'db', { fs: 'xfs', format: true }))
      await node.sh('echo original > /mnt/db/file')
      await engine.detach('db')
      await node.sh('cp --sparse=always /dev/shm/luns/v5 /dev/shm/luns/v6')
      await target.map(6, { name: 'v6', serial: 'cc6', bytes: BYTES })
      await engine.attach(5, asked(target, 'db'))
      const said = await engine.refuses('MOUNT_FAILED', 6, asked(target, 'copy'))
      expect(said).toMatch(/UUID .*\/mnt\/db.*clone/)
      expect(said).toContain('--mount-option nouuid')
      await engine.attach(6, asked(target, 'copy', { options: ['nouuid'] }))
      expect(await node.read('/mnt/copy/file')).toBe('original\n')
      await engine.detach('copy')
      await engine.detach('db')
      await expectNothingLeft(node)
    })
  },
)
