import { beforeEach, describe, expect, it } from 'vitest'

import type { CheckedPath, Questions } from '../../../src/agent/identity-checks.ts'
import { IdentityChecks } from '../../../src/agent/identity-checks.ts'
import { MovedIo } from '../../../src/agent/moved-io.ts'
import type { IdentityCheck } from '../../../src/host/disk/quick-check.ts'
import { withLock } from '../../../src/host/lock/lock.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'
import { volumeLock } from '../../../src/state/records/locks.ts'
import type { FakeNode } from '../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

let node: FakeNode
let lost: { code: ErrorCode; moved: string | null }[]
let reports: string[]
let asked: string[]
let isRegistered: boolean

beforeEach(() => {
  isRegistered = true
  node = fakeNode()
  node.record(staged)
  lost = []
  reports = []
  asked = []
})

function path(record: Attachment = staged, disk = 'sda', sid = 1, isWorkedOn = false): CheckedPath {
  return {
    record,
    isWorkedOn,
    disk: {
      name: disk,
      sid,
      hctl: { host: 2, channel: 0, target: 0, lun: 0 },
    } as unknown as CheckedPath['disk'],
    lose: async ({ code }, moved) => void lost.push({ code, moved: moved() }),
  }
}

const identity: Questions['identity'] = async (_, disk) => {
  asked.push(`identity of ${disk.name}`)
  return { disk, verdict: 'stranger', error: mismatch() }
}

const removeOthers: Questions['removeOthers'] = async (_, { key }, disk) => {
  asked.push(`keys ${key} ${disk.name}`)
  return { generation: 7, removed: ['iqn.2026-01.example:b'] }
}

/** Checks these paths, once. @param full what a disk throws that is asked in full */
async function check(
  paths: readonly CheckedPath[],
  quick: IdentityCheck | (() => Promise<IdentityCheck[]>),
  full: unknown = null,
  rounds = 1,
): Promise<void> {
  const questions: Questions = {
    quick: async (_, disks) => (typeof quick === 'function' ? quick() : disks.map(() => quick)),
    full: async (_, record, disks) => {
      asked.push(`${record.name} ${disks[0]!.name}`)
      if (full !== null) throw full
    },
    identity,
    removeOthers,
    isRegistered: () => isRegistered,
  }
  const checks = new IdentityChecks(
    node.host,
    new MovedIo(node.host),
    (_, message) => reports.push(message),
    questions,
  )
  for (let round = 0; round < rounds; round++) {
    await checks.begin(paths)
  }
}

const mismatch = () => new LunkeeperError('IDENTITY_MISMATCH', 'sda is another volume')

describe('a path', () => {
  it.for(['same', 'silent'] as const)('is kept where its disk answers: %s', async (answer) => {
    await check([path()], answer, mismatch())
    expect([asked, lost]).toEqual([[], []])
  })

  it.for(['other', 'taken', 'absent'] as const)(
    'is asked once more where its disk answers: %s',
    async (answer) => {
      await check([path()], answer)
      expect([asked, lost]).toEqual([[`${NAME} sda`], []])
    },
  )

  it.for(['IDENTITY_MISMATCH', 'LUN_ABSENT', 'FENCED', 'OWNER_UNKNOWN'] as const)(
    'is taken away where the second answer is %s',
    async (code) => {
      await check([path()], 'other', new LunkeeperError(code, 'it is not ours'))
      const moved = code === 'IDENTITY_MISMATCH' ? expect.stringContaining('may have reached') : null
      expect(lost).toEqual([{ code, moved }])
    },
  )

  it.for(['TARGET_AWAY', 'STUCK', 'IDENTITY_UNREADABLE'] as const)(
    'is kept where it cannot be asked again: %s',
    async (code) => {
      await check([path()], 'other', new LunkeeperError(code, 'no answer'))
      expect(lost).toEqual([])
    },
  )

  it('of a volume that nothing guards is asked in full each third time', async () => {
    const use = { ...staged.request.use, mount: '/mnt/db' as never }
    const mounted = { ...staged, request: { ...staged.request, use } }
    await check([path(mounted)], 'same', null, 7)
    expect(asked).toHaveLength(2)
    asked = []
    await check(
      [path({ ...mounted, fence: { key: '00c0ffee00010001', persists: true } as never })],
      'same',
      null,
      7,
    )
    expect(asked).toEqual([])
    const publication = { attachment: 'va', uid: '1' }
    await check([path({ ...staged, publication })], 'same', null, 7)
    expect(asked).toHaveLength(2)
  })

  it('of a volume that nothing guards is kept while no source can say who owns it', async () => {
    const given = path({ ...staged, publication: { attachment: 'va', uid: '1' } })
    await check([given], 'same', new LunkeeperError('OWNER_UNKNOWN', 'the Kubernetes API does not answer'), 7)
    expect(lost).toEqual([])
    await check([given], 'same', new LunkeeperError('FENCED', 'Kubernetes has given the volume away'), 7)
    expect(lost).toContainEqual({ code: 'FENCED', moved: null })
  })
})

const fence = { key: '4c4b000000010001', persists: true } as never
const reserved = { ...staged, fence }

describe('the keys at the target', () => {
  it('are read again when they have changed, and those of other nodes are removed', async () => {
    const generations: (number | null)[] = []
    const checks = new IdentityChecks(
      node.host,
      new MovedIo(node.host),
      (_, message) => reports.push(message),
      {
        quick: async (_, disks) =>
          disks.map(({ generation }) => {
            generations.push(generation)
            return generation === 7 ? 'same' : 'registered'
          }),
        full: async () => expect.unreachable(),
        identity,
        removeOthers,
        isRegistered: () => true,
      },
    )
    for (let round = 0; round < 3; round++) await checks.begin([path(reserved)])
    expect(generations).toEqual([null, 7, 7])
    expect(asked).toEqual(['keys 4c4b000000010001 sda'])
    expect(reports).toEqual([
      expect.stringContaining('iqn.2026-01.example:b had registered beside this node'),
    ])
  })

  it('are read again over a new connection: a target that has restarted may count to the same number', async () => {
    const generations: (number | null)[] = []
    const quick: Questions['quick'] = async (_, disks) =>
      disks.map(({ generation }) => (generations.push(generation), 'registered'))
    const questions = { quick, full: async () => {}, identity, removeOthers, isRegistered: () => true }
    const checks = new IdentityChecks(node.host, new MovedIo(node.host), () => {}, questions)
    for (const port of ['40000', '40000', '40001']) {
      node.file('sys/class/iscsi_connection/connection1:0/local_port', `${port}\n`)
      await checks.begin([path(reserved)])
    }
    expect(generations).toEqual([null, 7, null])
  })

  it('are left alone over a new connection: who has the volume is asked in full first', async () => {
    isRegistered = false
    node.record(reserved)
    await check([path(reserved)], 'registered')
    expect(asked).toEqual([`${NAME} sda`])
    await check([path(reserved)], 'same', new LunkeeperError('FENCED', 'an old reservation'))
    expect(lost).toEqual([{ code: 'FENCED', moved: null }])
  })

  it('are not lost because an attach has registered another one meanwhile', async () => {
    node.record({ ...staged, fence: { key: '4c4b000000010002', persists: true } as never })
    await check([path(reserved)], 'taken', new LunkeeperError('FENCED', 'it has another key'))
    expect([asked, lost]).toEqual([[], []])
  })

  it('that cannot be read take no path away', async () => {
    const checks = new IdentityChecks(
      node.host,
      new MovedIo(node.host),
      (_, message) => reports.push(message),
      {
        quick: async () => ['registered'],
        full: async () => expect.unreachable(),
        identity,
        removeOthers: async () => {
          throw new LunkeeperError('TARGET_AWAY', 'no answer')
        },
        isRegistered: () => true,
      },
    )
    await checks.begin([path(reserved)])
    expect([lost, reports]).toEqual([[], []])
  })
})

describe('a detach', () => {
  const detaching: Attachment = { ...staged, phase: 'detaching' }

  const working = path(detaching, 'sda', 1, true)

  it('that is at work asks who owns the volume itself', async () => {
    node.record(detaching)
    await withLock(...volumeLock(node.host, staged, 'detach'), () => check([path()], 'other', mismatch()))
    await check([{ ...working, record: { ...reserved, phase: 'detaching' } }], 'registered')
    expect([asked, lost]).toEqual([[], []])
  })

  it('that is at work writes nothing more to another volume', async () => {
    node.record(detaching)
    await check([working], 'other')
    expect(lost).toMatchObject([{ code: 'IDENTITY_MISMATCH' }])
  })

  it('or an attach that is at work removes another volume’s disk itself', async () => {
    node.record({ ...staged, phase: 'attaching' })
    await check([working], 'other')
    expect([asked, lost]).toEqual([[], []])
  })

  it('that was killed leaves its disks to the check', async () => {
    node.record(detaching)
    await check([path()], 'other', mismatch())
    expect(lost).toHaveLength(1)
  })

  it('that has given the reservation back is not undone', async () => {
    node.record({
      ...detaching,
      fence: { key: '00c0ffee00010001', persists: true, isReleasing: true } as never,
    })
    await check([path()], 'taken', mismatch())
    expect([asked, lost]).toEqual([[], []])
  })

  it('that is done leaves nothing to ask', async () => {
    const gone = { ...staged, name: 'gone' as never }
    await check([path(gone)], 'other', mismatch())
    expect([asked, lost]).toEqual([[], []])
  })
})

describe('a check that takes long', () => {
  const never = new Promise<never>(() => {})
  const later = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }

  it('of one session delays no other, and is made once more if another one was due meanwhile', async () => {
    const slow = Promise.withResolvers<IdentityCheck[]>()
    const rounds: string[] = []
    const checks = new IdentityChecks(node.host, new MovedIo(node.host), () => {}, {
      quick: async (_, disks) => {
        rounds.push(disks[0]!.disk.name!)
        return disks[0]!.disk.name === 'sda' && rounds.length < 3 ? slow.promise : disks.map(() => 'same')
      },
      full: async () => {},
      identity,
      removeOthers,
      isRegistered: () => true,
    })
    const first = checks.begin([path(), path(staged, 'sdb', 2)])
    await later()
    for (let times = 0; times < 2; times++) await checks.begin([path(), path(staged, 'sdb', 2)])
    expect(rounds).toEqual(['sda', 'sdb', 'sdb', 'sdb'])
    slow.resolve(['same'])
    await first
    expect(rounds).toEqual(['sda', 'sdb', 'sdb', 'sdb', 'sda'])
  })

  it('of who owns a volume that nothing guards delays no question about its identity', async () => {
    const use = { ...staged.request.use, mount: '/mnt/db' as never }
    const mounted = { ...staged, request: { ...staged.request, use } }
    let quick = 0
    const checks = new IdentityChecks(node.host, new MovedIo(node.host), () => {}, {
      quick: async (_, disks) => {
        quick++
        return disks.map(() => 'same')
      },
      full: () => never,
      identity,
      removeOthers,
      isRegistered: () => true,
    })
    for (let round = 0; round < 7; round++) {
      void checks.begin([path(mounted)])
      await expect.poll(() => quick).toBe(round + 1)
    }
  })
})

describe('what goes wrong', () => {
  it('with one session is reported, and the disks of others are asked', async () => {
    let calls = 0
    await check([path(), path(staged, 'sdb', 2)], async () => {
      if (calls++ === 0) throw new Error('no worker')
      return ['other']
    })
    expect(reports).toEqual(['cannot determine which volume sda is: Error: no worker'])
    expect(asked).toEqual([`${NAME} sdb`])
  })

  it('with one disk is reported, and the next one is asked', async () => {
    await check([path(), path(staged, 'sdb')], 'other', new Error('out of memory'))
    expect(reports).toHaveLength(2)
    expect(asked).toEqual([`${NAME} sda`, `${NAME} sdb`])
  })

  it('while a path is taken away is reported', async () => {
    const stuck = {
      ...path(),
      lose: () => Promise.reject(new LunkeeperError('MAP_FAILED', 'dmsetup failed')),
    }
    await check([stuck], 'other', mismatch())
    expect(reports).toEqual(['sda is another volume, and its path could not be removed: dmsetup failed'])
  })
})
