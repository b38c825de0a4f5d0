import { join } from 'node:path'

import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import type { PersistAnswer, PersistCommand } from '../../../../src/host/worker/protocol.ts'
import { WorkerError } from '../../../../src/host/worker/worker.ts'
import { temporary } from '../../temporary.ts'

const NONE = '0'.repeat(16)
const CONFLICT: PersistAnswer = { kind: 'conflict', why: 'RESERVATION CONFLICT', isUnknown: false }

/**
 * The persistent reservations of one volume, as in SPC-4 for one reservation type ("write exclusive, registrants
 * only"): each session registers separately, and a reservation ends with its holder's last registration.
 */
export class FakeReservations {
  /** The key of each session. */
  readonly sessions = new Map<string, string>()
  holder: string | null = null
  /** Called before each command that changes something; its return value is the target's answer. */
  before: (session: string, command: PersistCommand) => PersistAnswer | void = () => {}
  /** Whether nothing is heard over the session of this sg device. */
  isSilentOver: (path: string) => boolean = () => false
  readonly log: string[] = []

  answer(session: string, command: PersistCommand): PersistAnswer {
    if ('read' in command) return done(this.#read(command.read))
    this.log.push(`${session} ${command.act}${command.newKey === NONE ? ' nothing' : ''}`)
    return this.before(session, command) ?? this.#act(session, command)
  }

  #read(what: 'keys' | 'reservation' | 'capabilities' | 'status'): Buffer {
    if (what === 'capabilities') return Buffer.from([0, 8, 0, 0, 0, 0, 0, 0])
    if (what === 'keys') return listOf(Buffer.from([...this.sessions.values()].join(''), 'hex'))
    if (what === 'status' || this.holder === null) return listOf(Buffer.alloc(0))
    return listOf(Buffer.concat([Buffer.from(this.holder, 'hex'), Buffer.from([0, 0, 0, 0, 0, 5, 0, 0])]))
  }

  #act(session: string, command: Exclude<PersistCommand, { read: unknown }>): PersistAnswer {
    const { act, key = NONE, newKey = NONE } = command
    const own = this.sessions.get(session)
    if (act === 'register') {
      if (newKey === NONE) this.sessions.delete(session)
      else this.sessions.set(session, newKey)
    } else {
      if (own !== key) return CONFLICT
      if (act === 'clear') {
        this.sessions.clear()
      } else if (act === 'reserve') {
        if (this.holder !== null && this.holder !== key) return CONFLICT
        this.holder = key
      } else {
        if (![...this.sessions.values()].includes(newKey)) return CONFLICT
        for (const [other, registered] of this.sessions)
          if (registered === newKey) this.sessions.delete(other)
        if (this.holder === newKey) this.holder = key
      }
    }
    if (this.holder !== null && ![...this.sessions.values()].includes(this.holder)) this.holder = null
    return done(Buffer.alloc(0))
  }
}

/** A host whose disks all lead to this volume, through one session. */
export function hostAt(target: FakeReservations, session: string): Host {
  const root = temporary()
  const places = { records: join(root, 'records'), runtime: join(root, 'run') }
  const host = openHost({ paths: hostPaths(root), places })
  const call = async (
    _: string,
    { path, commands }: { path: string; commands: readonly PersistCommand[] },
  ) => {
    if (target.isSilentOver(path)) throw new WorkerError('ETIMEDOUT', 'no answer')
    const answers: PersistAnswer[] = []
    for (const command of commands) {
      const answer = target.answer(session, command)
      answers.push(answer)
      if (answer.kind !== 'done' && !('act' in command && command.mayFail)) break
    }
    return answers
  }
  const use = async (_: unknown, work: (worker: { call: typeof call }) => unknown) => work({ call })
  return { ...host, workers: { use } } as unknown as Host
}

function done(data: Buffer): PersistAnswer {
  return { kind: 'done', data }
}

function listOf(data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length, 4)
  return Buffer.concat([head, data])
}
