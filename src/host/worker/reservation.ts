import { closeSync, constants, openSync } from 'node:fs'

import type { PersistAnswer, PersistCommand } from './protocol.ts'
import { readCommand, ScsiError, writeCommand } from './sg.ts'

const PERSISTENT_RESERVE_IN = 0x5e
const PERSISTENT_RESERVE_OUT = 0x5f

/** SPC-4 sections 6.15 and 6.16. */
const READ = { keys: 0, reservation: 1, capabilities: 2, status: 3 } as const
const ACT = { register: 6, reserve: 1, clear: 3, preempt: 5 } as const

/** Several hundred registrations, each with a transport id of up to 256 bytes. */
const ALLOCATION_BYTES = 16_384
const PARAMETER_BYTES = 24
/**
 * The header in the data of PERSISTENT RESERVE IN: a generation and the length of what follows. Capabilities are as
 * long, but have no header.
 */
const HEADER_BYTES = 8
/** PERSISTENT RESERVE OUT, byte 20, bit 0: the registration survives a loss of power. */
const APTPL = 1

/** Several unit attentions may be pending (reservation preempted or released, capacity changed); each is reported once. */
const MAX_ATTEMPTS = 6

/**
 * Sends PERSISTENT RESERVE commands to a device, one after the other, up to the first that does not succeed and must.
 * @returns an answer for each command that was sent
 */
export function persist(path: string, commands: readonly PersistCommand[]): PersistAnswer[] {
  const fd = openSync(path, constants.O_RDWR)
  try {
    return persistOn(fd, commands)
  } finally {
    closeSync(fd)
  }
}

/** Like {@link persist}, on a device that is already open. */
export function persistOn(fd: number, commands: readonly PersistCommand[]): PersistAnswer[] {
  const answers: PersistAnswer[] = []
  for (const one of commands) {
    const answer = ask(fd, one)
    answers.push(answer)
    if (answer.kind !== 'done' && !('act' in one && one.mayFail)) break
  }
  return answers
}

function ask(fd: number, one: PersistCommand): PersistAnswer {
  for (let attempt = 1; ; attempt++) {
    try {
      return { kind: 'done', data: perform(fd, one) }
    } catch (error) {
      if (!(error instanceof ScsiError)) throw error
      if (error.isAttention && attempt < MAX_ATTEMPTS) continue
      return {
        kind: error.isConflict ? 'conflict' : 'refused',
        why: error.message,
        isUnknown: error.isUnsupported,
      }
    }
  }
}

function perform(fd: number, one: PersistCommand): Uint8Array {
  if ('read' in one) {
    const data = readCommand(
      fd,
      [
        PERSISTENT_RESERVE_IN,
        READ[one.read],
        0,
        0,
        0,
        0,
        0,
        ALLOCATION_BYTES >> 8,
        ALLOCATION_BYTES & 0xff,
        0,
      ],
      ALLOCATION_BYTES,
    )
    // A copy: the driver fills the buffer up to its end, and all of it would go to the caller's process.
    return new Uint8Array(data.subarray(0, lengthOf(one.read, data)))
  }
  const parameters = Buffer.alloc(PARAMETER_BYTES)
  parameters.write(one.key ?? '', 0, 'hex')
  parameters.write(one.newKey ?? '', 8, 'hex')
  parameters[20] = one.persists ? APTPL : 0
  // Scope 0 (the logical unit), and the type.
  const type = one.type ?? 0
  writeCommand(
    fd,
    [PERSISTENT_RESERVE_OUT, ACT[one.act], type, 0, 0, 0, 0, 0, PARAMETER_BYTES, 0],
    parameters,
  )
  return new Uint8Array()
}

/** The length that the device reports for its answer, header included. */
function lengthOf(what: keyof typeof READ, data: Buffer): number {
  if (data.length < HEADER_BYTES) return data.length
  return what === 'capabilities'
    ? Math.max(HEADER_BYTES, data.readUInt16BE(0))
    : HEADER_BYTES + data.readUInt32BE(4)
}
