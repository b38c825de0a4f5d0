import { describe, expect, it } from 'vitest'

import { isThisMachine, readMachineId } from '../../../../src/host/read/machine.ts'
import { lay } from './tree.ts'

const ID = '0123456789abcdef0123456789abcdef'
const UUID = '4c4c4544-0044-4710-8052-b4c04f4e3732'
const nothing = new Map<string, string>()
const machine = (files: { id?: string; uuid?: string; initiator?: string }) =>
  lay(nothing, {
    'etc/machine-id': files.id ?? null,
    'sys/class/dmi/id/product_uuid': files.uuid ?? null,
    'etc/iscsi/initiatorname.iscsi': files.initiator ? `InitiatorName=${files.initiator}\n` : null,
  })
const IQN = 'iqn.1993-08.org.debian:01:abcdef'

describe('the id of a machine', () => {
  it('is made of its machine-id, and does not show it', () => {
    const id = readMachineId(machine({ id: `${ID}\n`, uuid: UUID, initiator: IQN }))
    expect(id).toMatch(/^machine-id:[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
    expect(id).not.toContain(ID)
    expect(readMachineId(machine({ id: ID.replace('0', 'f') }))).not.toBe(id)
  })

  it.each([
    ['none', {}],
    ['an image before its first boot', { id: 'uninitialized\n' }],
    ['empty', { id: '' }],
    ['all zeros', { id: '0'.repeat(32) }],
  ])('without a machine-id of its own (%s): of its product UUID, else of its initiator name', (_, files) => {
    expect(readMachineId(machine({ ...files, uuid: `${UUID}\n`, initiator: IQN }))).toMatch(/^product-uuid:/)
    expect(readMachineId(machine({ ...files, uuid: 'Not Settable', initiator: IQN }))).toMatch(/^initiator:/)
    expect(readMachineId(machine({ ...files }))).toBeNull()
  })

  it('is compared with its own kind: a machine that gets a machine-id later is the same one', () => {
    const before = readMachineId(machine({ initiator: IQN }))!
    expect(isThisMachine(machine({ id: ID, initiator: IQN }), before)).toBe(true)
    expect(isThisMachine(machine({ id: ID, initiator: `${IQN}2` }), before)).toBe(false)
    const of = readMachineId(machine({ id: ID }))!
    expect(isThisMachine(machine({ id: ID }), of)).toBe(true)
    // A clone whose machine-id was removed.
    expect(isThisMachine(machine({ initiator: IQN }), of)).toBe(false)
  })
})
