import { mkdirSync, writeFileSync } from 'node:fs'

import { beforeEach, describe, expect, it } from 'vitest'

import { claimFree, registerKey, releaseReservation } from '../../../../src/host/disk/reservations.ts'
import type { Host } from '../../../../src/host/host.ts'
import { formatHctl } from '../../../../src/model/hctl.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import { parseName } from '../../../../src/model/name.ts'
import { confirmAgain, reclaim, registerSession } from '../../../../src/state/proof/owner.ts'
import { isRegistered, noteContested, noteRegistered } from '../../../../src/state/records/registrations.ts'
import { writeRecord } from '../../../../src/state/records/volumes.ts'
import { attachment, disk } from '../../model/plan/facts.ts'
import { FakeReservations, hostAt } from './fake-reservations.ts'

const KEY = parseKey('4c4b0000000a0001')
const OTHER = parseKey('4c4b0000000b0001')
const DISK = disk(null)
const FENCE = { key: KEY, persists: false }
const RECORD = { ...attachment('db', null), fence: FENCE }
const VOLUME = { name: parseName('db'), fence: FENCE, publication: { attachment: 'va', uid: '1' } }

let target: FakeReservations
let host: Host

beforeEach(() => {
  target = new FakeReservations()
  host = hostAt(target, 'a')
  writeRecord(host, RECORD)
})

/** What the Kubernetes API answers about the volume, question by question. */
function kubernetesSays(...answers: readonly ('mine' | 'gone' | 'unreachable')[]): void {
  const left = [...answers]
  host.witnesses.kubernetes = async () => left.shift()!
}

const reclaimed = () => reclaim(host, VOLUME, FENCE, DISK)

describe('a reservation that the target has lost', () => {
  it('is made again by the node that has the volume', async () => {
    kubernetesSays('mine', 'mine')
    await reclaimed()
    expect(target).toMatchObject({ holder: KEY })
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(true)
  })

  it.each([
    ['gone', 'FENCED'],
    ['unreachable', 'OWNER_UNKNOWN'],
  ] as const)('is given up again if the volume is %s when it has been made', async (later, code) => {
    kubernetesSays('mine', later)
    await expect(reclaimed()).rejects.toMatchObject({ code })
    expect(target).toMatchObject({ holder: null, sessions: new Map() })
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(false)
  })

  it('is not made if the volume is known to be gone before', async () => {
    kubernetesSays('gone')
    await expect(reclaimed()).rejects.toMatchObject({ code: 'FENCED' })
    expect(target.log.filter((line) => line !== 'a register nothing')).toEqual([])
  })

  it('is not made by the record alone where another node was seen beside it, at no attempt', async () => {
    const alone = { ...VOLUME, publication: undefined }
    noteContested(host, 'db', KEY)
    for (const _ of [1, 2])
      await expect(reclaim(host, alone, FENCE, DISK)).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
    kubernetesSays('mine', 'unreachable')
    await expect(reclaimed()).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
    await expect(reclaim(host, alone, FENCE, DISK)).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
    expect(target).toMatchObject({ holder: null, sessions: new Map() })
    kubernetesSays('mine', 'mine')
    await reclaimed()
    await reclaim(host, alone, FENCE, DISK)
    expect(target).toMatchObject({ holder: KEY })
  })

  it('is not made again once a detach has given it back', async () => {
    kubernetesSays('mine')
    writeRecord(host, { ...RECORD, fence: { ...FENCE, isReleasing: true } })
    await expect(reclaimed()).rejects.toMatchObject({ code: 'TARGET_AWAY' })
    expect(target).toMatchObject({ holder: null, sessions: new Map() })
  })

  it('is left to the node that reserved first', async () => {
    kubernetesSays('mine', 'mine')
    target.before = (_, command) => {
      if (!('act' in command) || command.act !== 'reserve') return
      target.sessions.set('b', OTHER)
      target.holder = OTHER
    }
    await expect(reclaimed()).rejects.toMatchObject({ code: 'FENCED' })
    expect(target).toMatchObject({ holder: OTHER, sessions: new Map([['b', OTHER]]) })
  })
})

/** A session that is logged in, with a disk of the volume, as sysfs shows it. */
function connect({ paths }: Host, sid: number, port: string): void {
  const session = `${paths.sys}/class/iscsi_session/session${sid}`
  const connection = `${paths.sys}/class/iscsi_connection/connection${sid}:0`
  const { host: number, channel, target: id } = DISK.hctl
  const device = `${session}/device/target${number}:${channel}:${id}/${formatHctl(DISK.hctl)}`
  for (const directory of [session, connection, `${device}/scsi_generic/sg7`])
    mkdirSync(directory, { recursive: true })
  writeFileSync(`${device}/type`, '0\n')
  writeFileSync(`${device}/state`, 'running\n')
  writeFileSync(`${session}/state`, 'LOGGED_IN\n')
  writeFileSync(`${connection}/local_port`, `${port}\n`)
}

describe('a reservation that is found over a new connection', () => {
  const register = (isContested: boolean) => registerSession(host, VOLUME, FENCE, DISK, { isContested })

  beforeEach(() => {
    target.sessions.set('a', KEY)
    target.holder = KEY
  })

  it('is this node’s where no other node is registered beside it, and no other source is asked', async () => {
    await register(false)
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(true)
  })

  it.each([
    [['mine', 'mine'], null],
    [['unreachable'], 'OWNER_UNKNOWN'],
    [['gone'], 'FENCED'],
    [['mine', 'gone'], 'FENCED'],
  ] as const)('beside another node’s key counts by what Kubernetes says: %s', async (said, code) => {
    target.sessions.set('b', OTHER)
    kubernetesSays(...said)
    const asked = register(true)
    if (code === null) await asked
    else await expect(asked).rejects.toMatchObject({ code })
    // Only a node that knows that it has lost the volume gives its key back.
    expect(target.sessions.get('a') ?? null).toBe(code === 'FENCED' ? null : KEY)
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(code === null)
    // The other node's key is removed before this node is sure; it stays if the check does not get that far.
    expect(target.sessions.has('b')).toBe(said[0] !== 'mine')
  })

  it('beside another node’s key is not trusted where nothing else tells', async () => {
    target.sessions.set('b', OTHER)
    const alone = { ...VOLUME, publication: undefined }
    const asked = registerSession(host, alone, FENCE, DISK, { isContested: true })
    await expect(asked).rejects.toMatchObject({
      code: 'OWNER_UNKNOWN',
      message: expect.stringContaining('another node is registered beside it'),
    })
    // That node found the volume lost because of the same reservation, and is gone: that proves nothing.
    target.sessions.delete('b')
    const again = registerSession(host, alone, FENCE, DISK, { isContested: false })
    await expect(again).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
    kubernetesSays('mine', 'mine')
    await register(false)
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(true)
  })

  it('is trusted beside another node’s key where another session of the node has lasted', async () => {
    target.sessions.set('b', OTHER)
    connect(host, 7, '40000')
    noteRegistered(host, 'db', KEY, 7)
    const alone = { ...VOLUME, publication: undefined }
    await registerSession(host, alone, FENCE, DISK, { isContested: true })
    expect(isRegistered(host, 'db', KEY, DISK.sid)).toBe(true)
  })

  it('is not trusted by another session whose connection is lost, although the kernel has not noticed', async () => {
    target.sessions.set('b', OTHER)
    connect(host, 7, '40000')
    noteRegistered(host, 'db', KEY, 7)
    const alone = { ...VOLUME, publication: undefined }
    const register = () => registerSession(host, alone, FENCE, DISK, { isContested: true })
    target.isSilentOver = (path) => path.endsWith('sg7')
    await expect(register()).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
    expect(target.sessions.has('b')).toBe(true)
  })

  it('is trusted over the connection over which it was asked already', async () => {
    target.sessions.set('b', OTHER)
    noteRegistered(host, 'db', KEY, DISK.sid)
    await register(true)
  })
})

describe('a volume that is attached again automatically', () => {
  const capabilities = { canPersist: true }
  const told = (holder: typeof KEY | null, ...keys: (typeof KEY)[]) =>
    ({ keys, holder: holder && { key: holder, type: 5 }, capabilities, registrants: [] }) as never
  const volume = (persists: boolean) => ({ name: VOLUME.name, fence: { key: KEY, persists } })

  it.each([
    ['has the reservation', true, told(KEY, KEY), null],
    ['has it, and another node is registered', true, told(KEY, KEY, OTHER), 'OWNER_UNKNOWN'],
    ['has it, and no other node is registered', false, told(KEY, KEY), null],
    ['has none, and the target would have kept it', true, told(null), 'OWNER_UNKNOWN'],
    ['has none, and the target keeps none', false, told(null), null],
  ] as const)('%s', async (_, persists, now, code) => {
    const asked = confirmAgain(host, volume(persists), now, DISK)
    if (code === null) await asked
    else await expect(asked).rejects.toMatchObject({ code })
    expect(target.log).toEqual([])
  })

  it('has none, and another node was seen beside it before: the record does not decide', async () => {
    noteContested(host, 'db', KEY)
    const asked = confirmAgain(host, volume(false), told(null), DISK)
    await expect(asked).rejects.toMatchObject({ code: 'OWNER_UNKNOWN' })
  })
})

describe('a reservation that is given back by a session that has not registered', () => {
  beforeEach(() => {
    target.sessions.set('its earlier session', KEY)
    target.holder = KEY
  })

  it('is gone afterwards, with all registrations of this node', async () => {
    await releaseReservation(host, DISK, FENCE)
    expect(target).toMatchObject({ holder: null, sessions: new Map() })
  })

  it('leaves the volume to a node that takes it over meanwhile', async () => {
    target.before = (session, command) => {
      if (session !== 'a' || !('act' in command) || command.act !== 'register') return
      target.before = () => {}
      target.sessions.delete('its earlier session')
      target.sessions.set('b', OTHER)
      target.holder = OTHER
    }
    await releaseReservation(host, DISK, FENCE)
    expect(target).toMatchObject({ holder: OTHER, sessions: new Map([['b', OTHER]]) })
  })
})

describe('a volume that is attached again automatically where it has no reservation', () => {
  it.each([
    ['the target has none', null],
    ['this node has none', undefined],
  ] as const)('asks the other witnesses if %s', async (_, fence) => {
    kubernetesSays('gone')
    const volume = { ...VOLUME, fence: fence === null ? FENCE : undefined }
    const told = {
      keys: [],
      holder: null,
      capabilities: { canPersist: true },
      registrants: [],
      generation: 1,
    }
    const asked = confirmAgain(host, volume, fence === null ? null : told, DISK)
    await expect(asked).rejects.toMatchObject({ code: 'FENCED' })
  })
})

describe('a registration that the target rejects', () => {
  const rejection = { kind: 'refused', why: 'INVALID FIELD IN CDB', isUnknown: true } as const

  it('does not count because another session of this node has the same key', async () => {
    target.sessions.set('another session', KEY)
    target.before = () => rejection
    await expect(registerKey(host, DISK, KEY, false)).rejects.toMatchObject({ code: 'TARGET_AWAY' })
  })

  it('counts if the target reports an error and has registered (LIO that cannot write its file)', async () => {
    target.before = (session, command) => {
      if ('act' in command) target.sessions.set(session, command.newKey!)
      return { kind: 'refused', why: 'NOT READY', isUnknown: false }
    }
    await expect(registerKey(host, DISK, KEY, true)).resolves.toBe(false)
  })
})

describe('a volume that no node has', () => {
  const REJECTED = { kind: 'refused', why: 'INVALID FIELD IN CDB', isUnknown: true } as const

  it('is registered, reserved and read back', async () => {
    expect(await claimFree(host, DISK, KEY, true)).toMatchObject({
      persists: true,
      told: { holder: { key: KEY }, keys: [KEY] },
    })
  })

  it('is registered without APTPL if the target rejects that', async () => {
    target.before = (_, command) => ('act' in command && command.persists ? REJECTED : undefined)
    expect(await claimFree(host, DISK, KEY, true)).toMatchObject({
      persists: false,
      told: { holder: { key: KEY } },
    })
  })

  it('is claimed if the target reports errors and has done it (LIO that cannot write its file)', async () => {
    target.before = (session, command) => {
      if (!('act' in command)) return undefined
      if (command.act === 'register') target.sessions.set(session, command.newKey!)
      else target.holder = KEY
      return { kind: 'refused', why: 'NOT READY', isUnknown: false }
    }
    expect(await claimFree(host, DISK, KEY, true)).toMatchObject({
      persists: false,
      told: { holder: { key: KEY } },
    })
  })

  it('is not claimed if another node is faster: the reading says so', async () => {
    target.before = (_, command) => {
      if (!('act' in command) || command.act !== 'reserve') return
      target.sessions.set('b', OTHER)
      target.holder = OTHER
    }
    expect(await claimFree(host, DISK, KEY, true)).toMatchObject({ told: { holder: { key: OTHER } } })
  })

  it('is not claimed if the target rejects each registration', async () => {
    target.before = () => REJECTED
    target.sessions.set('another session', KEY)
    expect(await claimFree(host, DISK, KEY, true)).toBeNull()
  })
})
