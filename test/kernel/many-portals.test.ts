import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { kernels } from './node.ts'

/** More than 8 KiB of addresses: what many targets send in one data unit. */
const MANY = 280
const FIRST_PORT = 4000

describe.each(kernels('trixie'))('a target with many portals (%s)', (debian) => {
  let lab: Lab
  let node: LabNode

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())

  it('names all of them, and all are read', async () => {
    const portals = Array.from({ length: MANY }, (_, n) => `127.0.0.1:${FIRST_PORT + n}`)
    const target = await node.lio.target({ portals })
    const listed = await node.sh(
      `node --input-type=module -e '
        const { listPortals } = await import("/lab/project/src/host/iscsi/talk/portals.ts")
        const portal = { host: "127.0.0.1", port: ${FIRST_PORT} }
        const who = { portal, initiator: "iqn.2026-01.test:i", chap: null, signal: AbortSignal.timeout(60000) }
        for (const { host, port } of await listPortals(who, "${target.iqn}")) console.log(host + ":" + port)'`,
      { deadline: 120_000 },
    )
    expect(listed.trim().split('\n').toSorted()).toEqual(portals)
  })
})
