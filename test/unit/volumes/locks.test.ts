import { expect, test } from 'vitest'

import { hostPaths } from '../../../src/host/paths.ts'
import { openHost } from '../../../src/host/host.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { returnLock, volumeLock } from '../../../src/state/records/locks.ts'
import { temporary } from '../temporary.ts'

test('a volume that its target shows under another number has the lock that it had', () => {
  const root = temporary()
  const host = openHost({ paths: hostPaths(root), places: { runtime: root } })
  const iqn = parseIqn('iqn.2026-01.example:t')
  const asked = volumeLock(host, { iqn, lun: parseLun(5) }, 'attach')
  const moved = { request: { iqn, lun: parseLun(9) }, askedLun: parseLun(5) } as unknown as Attachment
  expect(volumeLock(host, moved, 'detach').slice(0, 2)).toEqual(asked.slice(0, 2))
  const [directory, key, options] = returnLock(host, moved, new AbortController().signal)
  expect([directory, key]).toEqual(asked.slice(0, 2))
  expect(options.patient).toBe(true)
})
