import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { parseName } from '../../../../src/model/name.ts'
import type { WriteProof } from '../../../../src/host/proof/proof.ts'
import { proveDisks } from '../../../../src/state/proof/prove.ts'
import type { FakeNode } from '../../kubernetes/node.ts'
import { fakeNode } from '../../kubernetes/node.ts'
import { disk } from '../../model/plan/facts.ts'

const DISK = { ...disk(null), name: null }
/** Page 80h with the serial "db5". */
const PAGE = Buffer.from([0, 0x80, 0, 3, ...Buffer.from('db5')])
const VOLUME = { name: parseName('db'), identity: { wwid: null, serial: 'db5' } }

let node: FakeNode
let proof: WriteProof

const connect = (port: string) =>
  node.file('sys/class/iscsi_connection/connection1:0/local_port', `${port}\n`)

beforeEach(async () => {
  node = fakeNode()
  connect('40000')
  const { sys } = node.host.paths
  mkdirSync(join(sys, 'class/scsi_generic'), { recursive: true })
  symlinkSync(
    '../../host3/session1/target3:0:0/3:0:0:1/scsi_generic/sg1',
    join(sys, 'class/scsi_generic/sg1'),
  )
  const answer = { present: true, page80: PAGE, page83: null, bytes: 1 << 20, reservations: null }
  const use = async (_: unknown, work: (worker: object) => unknown) => work({ call: async () => answer })
  proof = await proveDisks({ ...node.host, workers: { use } } as unknown as Host, VOLUME, [DISK])
})

it('a proof is valid while the session that was asked keeps its connection', () => {
  proof.require(DISK.devno!)
})

it('a proof is not valid over another connection: another volume may answer there', () => {
  connect('40001')
  expect(() => proof.require(DISK.devno!)).toThrow(expect.objectContaining({ code: 'PROOF_EXPIRED' }))
})

it('a proof does not expire because a session is lost: nothing that is written reaches its target', () => {
  node.session('FAILED')
  proof.require(DISK.devno!)
})
