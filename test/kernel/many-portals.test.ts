import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { kernels } from './node.ts'

/** More than 8 KiB of addresses: what many targets send in one data unit. */
const MANY = 280
const FIRST_PORT = 4000

describe.each(kernels('trixie'))('a target may have many portals (%s)', (debian) => {
  const it = onNode({ debian })

  it('all portals that the target names are read', async ({ node }) => {
    const portals = Array.from({ length: MANY }, (_, n) => `127.0.0.1:${FIRST_PORT + n}`)
    const target = await node.lio.target({ portals })
    const listed = await node.sh(
      `node --input-type=module -e '
        const { listPortals } = await import("/lab/project/src/host/iscsi/client/portals.ts")
        const portal = { host: "127.0.0.1", port: ${FIRST_PORT} }
        const who = { portal, initiator: "iqn.2026-01.test:i", chap: null, signal: AbortSignal.timeout(60000) }
        for (const { host, port } of await listPortals(who, "${target.iqn}")) console.log(host + ":" + port)'`,
      { deadline: 120_000 },
    )
    expect(listed.trim().split('\n').toSorted()).toEqual(portals)
  })
})
