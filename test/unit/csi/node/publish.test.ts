import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { create } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { expect, it } from 'vitest'

import { publish } from '../../../../src/csi/node/publish.ts'
import {
  NodePublishVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
} from '../../../../src/csi/protocol/csi_pb.js'
import { volumeNameOf } from '../../../../src/csi/volume/name.ts'
import { isPublishing } from '../../../../src/csi/volume/publish-mark.ts'
import type { RunResult } from '../../../../src/host/exec/run.ts'
import { withLock } from '../../../../src/host/lock/lock.ts'
import { holdMapName } from '../../../../src/host/map/hold-map.ts'
import { volumeLock } from '../../../../src/state/records/locks.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'
import { temporary } from '../../temporary.ts'
import { driverOn } from './driver.ts'

const name = volumeNameOf('orders')
const OK: RunResult = { code: 0, signal: null, stdout: '', stderr: '' }

/** A read-only volume that is staged on a hold map, and a call that publishes it. */
function node() {
  const made = fakeNode()
  const directory = temporary()
  const [staging, target] = [join(directory, 'staging'), join(directory, 'target')]
  const map = `${holdMapName(name)}\n`
  made.file('sys/block/dm-0/dm/name', map)
  made.file('sys/block/dm-0/dm/uuid', map)
  made.file('sys/dev/block/253:0/dev', '253:0\n')
  const use = { ...staged.request.use, mount: staging, readOnly: true }
  const record = { ...staged, name, fs: 'ext4' as const, request: { ...staged.request, name, use } }
  made.record(record)
  const at = (point: string, options = 'ro', devno = '253:0') =>
    `${devno} / ${point} ${options} - ext4 /dev/mapper/x ro`
  made.mounts(at(staging))
  const asked: string[] = []
  const host = {
    ...made.host,
    answer(command: string): RunResult {
      if (command.startsWith('umount')) made.mounts(at(staging))
      return OK
    },
    async run(program: string, args: readonly string[]) {
      asked.push([program, ...args].join(' '))
      return this.answer(asked.at(-1)!)
    },
  }
  const call = create(NodePublishVolumeRequestSchema, {
    volumeId: 'orders',
    stagingTargetPath: staging,
    targetPath: target,
    readonly: true,
    volumeCapability: {
      accessMode: { mode: Mode.SINGLE_NODE_READER_ONLY },
      accessType: { case: 'mount', value: {} },
    },
    volumeContext: { targetPortal: '10.0.0.5', iqn: staged.request.iqn, lun: '0' },
  })
  return { ...made, host, record, staging, target, at, asked, publish: () => publish(driverOn(host), call) }
}

it('publish binds the staging path to the target path and makes it read-only', async () => {
  const { host, publish, mounts, at, staging, target, asked } = node()
  host.answer = () => (mounts(at(staging), at(target, 'rw')), OK)
  await publish()
  expect(asked).toEqual([`mount --bind -- ${staging} ${target}`, `mount -o remount,bind,ro -- ${target}`])
  expect(isPublishing(host, target)).toBe(false)
})

it('after a failure publish leaves neither a mount nor a directory', async () => {
  const { host, publish, mounts, at, staging, target } = node()
  host.answer = (command) => {
    if (command.startsWith('umount')) mounts(at(staging))
    else if (command.includes('--bind')) mounts(at(staging), at(target, 'rw'))
    return command.includes('remount') ? { ...OK, code: 32, stderr: 'mount: cannot remount' } : OK
  }
  await expect(publish()).rejects.toMatchObject({ code: 'MOUNT_FAILED' })
  expect(isPublishing(host, target)).toBe(false)
  expect(existsSync(target)).toBe(false)
})

it('a writable mount that cannot be removed after a failure stays marked: the next call replaces it', async () => {
  const { host, publish, mounts, at, staging, target } = node()
  host.answer = (command) => {
    if (command.includes('--bind')) mounts(at(staging), at(target, 'rw'))
    return /remount|umount/.test(command) ? { ...OK, code: 32, stderr: 'target is busy.' } : OK
  }
  await expect(publish()).rejects.toMatchObject({ code: 'BUSY' })
  expect(isPublishing(host, target)).toBe(true)
  host.answer = (command) => {
    mounts(at(staging), ...(command.startsWith('umount') ? [] : [at(target, 'ro')]))
    return OK
  }
  await publish()
  expect(isPublishing(host, target)).toBe(false)
})

it('a mount that another program makes at the target path while publish waits for its lock is not touched', async () => {
  const { host, record, publish, mounts, at, staging, target, asked, file } = node()
  file('sys/dev/block/8:16/dev', '8:16\n')
  const { signal } = new AbortController()
  const ended = await withLock(...volumeLock(host, record, 'a detach', signal), async (wanted) => {
    const publishing = publish().catch((error: unknown) => error)
    await once(wanted, 'abort')
    mounts(at(staging), at(target, 'rw', '8:16'))
    return { publishing }
  })
  expect(await ended.publishing).toMatchObject({ code: Code.AlreadyExists })
  expect(asked).toEqual([])
})
