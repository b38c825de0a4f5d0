import { createHmac } from 'node:crypto'

import type { MachineId } from '../../model/attachment.ts'
import type { HostPaths } from '../paths.ts'
import { readAttribute } from './attribute.ts'
import { cached } from './cache.ts'
import { readInitiatorName } from './node.ts'

type Kind = MachineId extends `${infer Kind}:${string}` ? Kind : never

// The machine ID should not be published unchanged (machine-id(5)), so it is hashed with an ID of this program.
const APPLICATION = Buffer.from('6f1c4d1be2f84f0c9a4c5b7c5f0d9e21', 'hex')

/** From the most to the least reliable. An image that was prepared for cloning has no machine ID. */
const KINDS: readonly Kind[] = ['machine-id', 'product-uuid', 'initiator']

/** The ID of this machine for a record; null if nothing distinguishes this machine from a clone. */
export function readMachineId(paths: HostPaths): MachineId | null {
  for (const kind of KINDS) {
    const id = idOf(paths, kind)
    if (id !== null) return id
  }
  return null
}

/** Whether a recorded ID is this machine's; false if it can no longer be compared. */
export function isThisMachine(paths: HostPaths, id: MachineId): boolean {
  const kind = KINDS.find((one) => id.startsWith(`${one}:`))
  return kind !== undefined && idOf(paths, kind) === id
}

function idOf(paths: HostPaths, kind: Kind): MachineId | null {
  return cached(paths, `machine ${kind}`, () => readId(paths, kind))
}

function readId(paths: HostPaths, kind: Kind): MachineId | null {
  const key = { 'machine-id': machineId, 'product-uuid': productUuid, initiator: readInitiatorBytes }[kind](
    paths,
  )
  return key && `${kind}:${appSpecific(key)}`
}

/** Computed like sd_id128_get_app_specific(3) from a machine ID. */
export function appSpecific(key: Buffer): string {
  const id = createHmac('sha256', key).update(APPLICATION).digest().subarray(0, 16)
  id[6] = (id[6]! & 0x0f) | 0x40
  id[8] = (id[8]! & 0x3f) | 0x80
  return id.toString('hex')
}

function machineId({ root }: HostPaths): Buffer | null {
  return bytesOf(readAttribute(`${root}/etc/machine-id`))
}

/** The firmware's ID; only root can read it. */
function productUuid({ sys }: HostPaths): Buffer | null {
  return bytesOf(readAttribute(`${sys}/class/dmi/id/product_uuid`))
}

function readInitiatorBytes(paths: HostPaths): Buffer | null {
  const name = readInitiatorName(paths)
  return name && Buffer.from(name)
}

/** Null for a value that identifies no machine: systemd's "uninitialized", or the placeholder of a firmware. */
function bytesOf(text: string | null): Buffer | null {
  const hex = text?.trim().replaceAll('-', '').toLowerCase() ?? ''
  return /^[0-9a-f]{32}$/.test(hex) && !/^(.)\1*$/.test(hex) ? Buffer.from(hex, 'hex') : null
}
