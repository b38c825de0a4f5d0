import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import type { Attachment } from '../../../../src/model/attachment.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import { lengthenTimers } from '../../../../src/volumes/holding/recovery-timers.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'

const fence = { key: parseKey('4c4b000000000001'), persists: false }

it.for([
  ['an unguarded volume of Kubernetes', {}, '300'],
  ['one that the target guards', { fence }, '3600'],
] as const)(
  '%s has a session timer no longer than is safe, whatever its hold',
  async ([, more, expected]) => {
    const node = fakeNode()
    const { request } = staged
    const record: Attachment = {
      ...staged,
      ...more,
      mode: 'session',
      request: { ...request, hold: { wanted: 3600, mode: 'session' } },
    }
    node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:0/block/sda/dev', '8:0\n')
    expect(lengthenTimers(node.host, record)).toHaveLength(1)
    const timer = join(node.host.paths.sys, 'class/iscsi_session/session1/recovery_tmo')
    expect(readFileSync(timer, 'utf8')).toBe(expected)
  },
)
