import { expect, test } from 'vitest'

import { withLock } from '../../../src/host/lock/lock.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import { openHost } from '../../../src/host/host.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { isWorkedOnByCommand, volumeLock, withReturnLock } from '../../../src/state/records/locks.ts'
import { temporary } from '../temporary.ts'

test('a volume that its target shows under another number has the lock that it had, and a return does not count as a command', async () => {
  const root = temporary()
  const host = openHost({ paths: hostPaths(root), places: { runtime: root } })
  const iqn = parseIqn('iqn.2026-01.example:t')
  const asked = volumeLock(host, { iqn, lun: parseLun(5) }, 'attach')
  const moved = { request: { iqn, lun: parseLun(9) }, askedLun: parseLun(5) } as unknown as Attachment
  expect(volumeLock(host, moved, 'detach').slice(0, 2)).toEqual(asked.slice(0, 2))
  const { signal } = new AbortController()
  const { detach } = await withReturnLock(host, moved, signal, async (wanted) => {
    expect(await isWorkedOnByCommand(host, moved)).toBe(false)
    const waiting = withLock(...asked, async () => isWorkedOnByCommand(host, moved))
    // A command that waits is not at work yet, and ends the return.
    expect(await isWorkedOnByCommand(host, moved)).toBe(false)
    expect(wanted.aborted).toBe(true)
    return { detach: waiting }
  })
  expect(await detach).toBe(true)
})
