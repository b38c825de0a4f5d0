import { describe, expect, test } from 'vitest'
import type { UseFacts, UseStep } from '../../../../src/model/plan/use.ts'
import { nextUseStep } from '../../../../src/model/plan/use.ts'
import type { Mount } from '../../../../src/model/snapshot.ts'

const POINT = '/mnt/data'
const UUID = 'c5a8f2de-0a30-4cbb-9b36-1c1c8e4d1f00'

const mount: Mount = {
  devno: '8:16',
  point: POINT,
  root: '/',
  fs: 'ext4',
  source: '/dev/sdb',
  options: ['rw', 'relatime'],
  superOptions: ['rw'],
}
const unseen: UseFacts = {
  use: { mount: POINT, fs: null, format: false, readOnly: false, options: [] },
  mounts: [],
  atPoint: null,
  content: null,
  blank: null,
  formatting: null,
  begun: null,
  whole: null,
  checked: false,
  directory: false,
  formatted: false,
  mounted: false,
}
const format = { ...unseen.use, format: true }
const readOnly = { ...unseen.use, readOnly: true }
const ext4 = { type: 'ext4', uuid: UUID }
const nothing = { type: null, uuid: null }
const mounted = { ...unseen, mounts: [mount], atPoint: mount }

const told = (step: UseStep) => (step.kind === 'refuse' ? step.code : step.kind)

describe('nextUseStep decides what an unmounted device needs', () => {
  test.each<[string, UseFacts, string]>([
    ['nothing is known', unseen, 'look'],
    ['a file system', { ...unseen, content: ext4 }, 'check'],
    ['checked', { ...unseen, content: ext4, checked: true }, 'make-mount-point'],
    ['with its mount point', { ...unseen, content: ext4, checked: true, directory: true }, 'mount'],
    ['only read: a check would write', { ...unseen, use: readOnly, content: ext4, directory: true }, 'mount'],
    ['xfs', { ...unseen, content: { type: 'xfs', uuid: UUID } }, 'check'],
    ['no file system', { ...unseen, content: nothing }, 'NO_FILESYSTEM'],
    [
      'another than asked for',
      { ...unseen, use: { ...unseen.use, fs: 'xfs' }, content: ext4 },
      'FS_MISMATCH',
    ],
    ['the one asked for', { ...unseen, use: { ...unseen.use, fs: 'ext4' }, content: ext4 }, 'check'],
    ['a physical volume of LVM', { ...unseen, content: { type: 'LVM2_member', uuid: 'x' } }, 'FS_MISMATCH'],
    ['a partition table', { ...unseen, content: { type: 'gpt', uuid: null } }, 'FS_MISMATCH'],
  ])('%s', (_, facts, step) => {
    expect(told(nextUseStep(facts))).toBe(step)
  })
})

describe('nextUseStep decides what becomes of a format that did not finish', () => {
  const begun = { fs: 'ext4', uuid: UUID, at: '2026-11-28T05:00:00.000Z', isRecent: true } as const
  const asked = { ...unseen, use: format, begun }
  const older = { ...asked, begun: { ...begun, isRecent: false } }
  const planned = { uuid: UUID }
  const foreign = { type: 'ext4', uuid: '00000000-0a30-4cbb-9b36-1c1c8e4d1f00' }
  test.each<[string, UseFacts, string]>([
    ['nothing is known', asked, 'look'],
    ['no signature: is it blank?', { ...asked, content: nothing }, 'look-closer'],
    ['it wrote nothing', { ...asked, content: nothing, blank: true }, 'plan-format'],
    ['it wrote nothing, in another boot', { ...older, content: nothing, blank: true }, 'plan-format'],
    ['left over by it', { ...asked, content: nothing, blank: false }, 'plan-format'],
    ['left over, and planned', { ...asked, content: nothing, blank: false, formatting: planned }, 'format'],
    [
      'left over, and planned under another UUID',
      { ...asked, content: nothing, blank: false, formatting: { uuid: foreign.uuid } },
      'plan-format',
    ],
    ['left over in another boot', { ...older, content: nothing, blank: false }, 'NOT_BLANK'],
    ['left over, and no format is requested', { ...unseen, begun, content: nothing }, 'NO_FILESYSTEM'],
    ['its file system: is it complete?', { ...asked, content: ext4 }, 'inspect'],
    ['complete', { ...asked, content: ext4, whole: true }, 'end-format'],
    ['complete, in another boot', { ...older, content: ext4, whole: true }, 'end-format'],
    ['complete, and no format is requested', { ...unseen, begun, content: ext4, whole: true }, 'end-format'],
    ['not complete', { ...asked, content: ext4, whole: false }, 'plan-format'],
    ['not complete, planned', { ...asked, content: ext4, whole: false, formatting: planned }, 'format'],
    ['not complete, in another boot', { ...older, content: ext4, whole: false }, 'NOT_BLANK'],
    [
      'not complete, and no format is requested: never mounted',
      { ...unseen, begun, content: ext4, whole: false },
      'NO_FILESYSTEM',
    ],
    ['a foreign file system', { ...asked, content: foreign }, 'NOT_BLANK'],
    ['a foreign file system, to be used', { ...unseen, begun, content: foreign }, 'check'],
  ])('%s', (_, facts, step) => {
    expect(told(nextUseStep(facts))).toBe(step)
  })

  test('the refusal says what happened, when, and how to continue', () => {
    const step = nextUseStep({ ...older, content: nothing, blank: false })
    expect(step).toMatchObject({ code: 'NOT_BLANK', reason: expect.stringContaining(begun.at) })
    expect(step).toMatchObject({ hint: expect.stringContaining('blkdiscard') })
  })
})

describe('nextUseStep decides what a format needs', () => {
  const asked = { ...unseen, use: format }
  test.each<[string, UseFacts, string]>([
    ['nothing is known', asked, 'look'],
    ['no signature is not yet blank', { ...asked, content: nothing }, 'look-closer'],
    [
      'planned in an earlier run: looked at again all the same',
      { ...asked, content: nothing, formatting: { uuid: UUID } },
      'look-closer',
    ],
    ['no signature, but not blank', { ...asked, content: nothing, blank: false }, 'NOT_BLANK'],
    [
      'not blank, although it was planned',
      { ...asked, content: nothing, blank: false, formatting: { uuid: UUID } },
      'NOT_BLANK',
    ],
    ['blank: its UUID is noted first', { ...asked, content: nothing, blank: true }, 'plan-format'],
    ['blank, and noted', { ...asked, content: nothing, blank: true, formatting: { uuid: UUID } }, 'format'],
    [
      'its own file system of an earlier run is used',
      { ...asked, content: ext4, formatting: { uuid: UUID } },
      'check',
    ],
    ['a foreign file system', { ...asked, content: ext4 }, 'NOT_BLANK'],
    [
      'a foreign file system, although ours was planned',
      { ...asked, content: ext4, formatting: { uuid: 'x' } },
      'NOT_BLANK',
    ],
    ['a signature without a UUID', { ...asked, content: { type: 'gpt', uuid: null } }, 'NOT_BLANK'],
    ['content, whatever blank says', { ...asked, content: ext4, blank: true }, 'NOT_BLANK'],
  ])('%s', (_, facts, step) => {
    expect(told(nextUseStep(facts))).toBe(step)
  })

  test('a volume with other contents gets the hint to leave out --format', () => {
    expect(nextUseStep({ ...asked, content: ext4 })).toMatchObject({
      hint: expect.stringContaining('--format'),
    })
  })
})

describe('nextUseStep decides what becomes of a device that is mounted', () => {
  const over: Mount = { ...mount, devno: '8:32', source: '/dev/sdc' }
  const elsewhere: Mount = { ...mount, point: '/srv' }
  const ro: Mount = { ...mount, options: ['ro'] }
  const part: Mount = { ...mount, root: '/sub' }
  test.each<[string, UseFacts, string]>([
    ['as asked', mounted, 'done'],
    ['as asked, and a format was asked for too', { ...mounted, use: format }, 'done'],
    ['as asked, and elsewhere too', { ...mounted, mounts: [elsewhere, mount] }, 'done'],
    ['only read, as asked', { ...mounted, mounts: [ro], atPoint: ro, use: readOnly }, 'done'],
    ['elsewhere', { ...unseen, mounts: [elsewhere] }, 'BUSY'],
    [
      'elsewhere, and a format is asked for',
      { ...unseen, mounts: [elsewhere], use: format, blank: true },
      'BUSY',
    ],
    ['another device at the mount point', { ...unseen, atPoint: over }, 'BAD_MOUNT'],
    ['another device over it', { ...mounted, atPoint: over }, 'BUSY'],
    ['only read', { ...mounted, mounts: [ro], atPoint: ro }, 'CONFLICT'],
    ['not only read', { ...mounted, use: readOnly }, 'CONFLICT'],
    ['as another file system', { ...mounted, use: { ...unseen.use, fs: 'xfs' } }, 'CONFLICT'],
    ['a part of it only', { ...mounted, mounts: [part], atPoint: part }, 'CONFLICT'],
  ])('%s', (_, facts, step) => {
    expect(told(nextUseStep(facts))).toBe(step)
  })
})
