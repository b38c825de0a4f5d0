import { expect, it } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { statusOf } from '../../../../src/state/view/status.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'

it.for([
  ['holding', 'queues', '1 queue_if_no_path'],
  ['failed', 'fails', '0'],
] as const)(
  'a volume is %s if no path of its hold map is up, the map %s I/O, and the agent has noted no outage yet',
  async ([state, , features]) => {
    const node = fakeNode()
    const { host: given } = node
    const host: Host = {
      ...given,
      run: async (program, args) => {
        const isTable = program === 'dmsetup' && args[0] === 'table'
        const stdout = isTable
          ? `lunkeeper-${staged.name}: 0 131072 multipath ${features} 0 1 1 service-time 0 1 1 8:0 1\n`
          : ''
        return { code: 0, signal: null, stdout, stderr: '' }
      },
    }
    node.record(staged)
    node.session('FAILED')
    expect(await statusOf(host, staged)).toMatchObject({ state })
  },
)
