import { afterEach, expect, test, vi } from 'vitest'

import { stopOnSignal } from '../../../../src/cli/operation/stop.ts'
import { parseName } from '../../../../src/model/name.ts'

const db = parseName('db')
afterEach(() => void vi.restoreAllMocks())

test('the first signal stops the operation before its next step, with a message', async () => {
  const said: string[] = []
  using stop = stopOnSignal((message) => said.push(message))
  await stop.observer.begin?.(db, 'record', '')
  process.emit('SIGTERM', 'SIGTERM')
  expect(said).toEqual([
    'stopping after the current step; the same command resumes from there. Press again to stop immediately.',
  ])
  expect(stop.signal.reason).toMatchObject({ code: 'CANCELLED', message: 'stopped by SIGTERM' })
  expect(() => stop.observer.begin?.(db, 'login', '')).toThrow('stopped by SIGTERM')
})

test('undoing a failed attach is not stopped', () => {
  using stop = stopOnSignal(() => {})
  process.emit('SIGINT', 'SIGINT')
  expect(() => stop.observer.begin?.(db, 'delete-disk', '')).not.toThrow()
  expect(() => stop.observer.begin?.(db, 'scan', '')).toThrow('stopped by SIGINT')
  expect(() => stop.observer.begin?.(db, 'logout', '')).not.toThrow()
})

test('a detach is stopped', async () => {
  using stop = stopOnSignal(() => {})
  await stop.observer.begin?.(db, 'mark-detaching', '')
  process.emit('SIGINT', 'SIGINT')
  expect(() => stop.observer.begin?.(db, 'unmount', '')).toThrow('stopped by SIGINT')
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second %s ends the process with %d', (name, status) => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(null!)
  using _ = stopOnSignal(() => {})
  process.emit(name, name)
  expect(exit).not.toHaveBeenCalled()
  process.emit(name, name)
  expect(exit).toHaveBeenCalledExactlyOnceWith(status)
})

test('no signal handler remains after the operation', () => {
  const before = process.listenerCount('SIGINT')
  stopOnSignal(() => {})[Symbol.dispose]()
  expect(process.listenerCount('SIGINT')).toBe(before)
})
