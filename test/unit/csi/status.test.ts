import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Code } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'

import { STATUS, toStatus, toUncertainStatus } from '../../../src/csi/status.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { ERRORS, LunkeeperError } from '../../../src/model/errors.ts'

const sources = join(import.meta.dirname, '../../../src')

describe('errors as gRPC statuses', () => {
  it('every error has a status, and never one that gRPC clients generate themselves', () => {
    expect(Object.keys(STATUS).toSorted()).toEqual(Object.keys(ERRORS).toSorted())
    for (const code of Object.values(STATUS)) expect([Code.Canceled, Code.Unknown]).not.toContain(code)
  })

  it('an error is INVALID_ARGUMENT if and only if the request is wrong', () => {
    for (const [code, { exit }] of Object.entries(ERRORS))
      expect(STATUS[code as ErrorCode] === Code.InvalidArgument, code).toBe(exit === 2)
  })

  it('a status has our code, what happened and what to do, but no cause', () => {
    const error = new LunkeeperError('LUN_ABSENT', 'LUN 7 does not exist', {
      hint: 'Map it.',
      cause: new Error('inside'),
    })
    expect(toStatus(error)).toMatchObject({
      code: Code.NotFound,
      rawMessage: 'LUN_ABSENT: LUN 7 does not exist. Map it.',
    })
    expect(JSON.stringify(toStatus(error).details)).toBe('[]')
  })

  it('a hint names no flag that a user of Kubernetes cannot set, and says where to run a command', () => {
    const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    const texts = files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(sources, file), 'utf8'))
    const hints = texts.flatMap((text) => [
      ...text.matchAll(/hint: (['"`])((?:(?!\1).)*--(?:force|take-over|shared).*?)\1/g),
    ])
    expect(hints.length).toBeGreaterThan(3)
    for (const code of Object.keys(ERRORS) as ErrorCode[])
      for (const hint of [ERRORS[code].remedy, ...hints.map(([, , text]) => text!)]) {
        const { rawMessage } = toStatus(new LunkeeperError(code, 'x', { hint }), 'pv')
        expect(rawMessage).not.toMatch(/--(?:take-over|shared)/)
        if (/--force|--give-up/.test(rawMessage))
          expect(rawMessage).toMatch(
            /agent's container on this node .*: lunkeeper (?:detach|hold) csi-pv-\w+ --/,
          )
      }
  })

  it('the status of a bug shows nothing of its error', () =>
    expect(toStatus(new TypeError('secret of x')).rawMessage).not.toContain('secret'))

  it('if something may be left on the node, the status makes a kubelet call Unstage', () => {
    expect(toUncertainStatus(new LunkeeperError('LUN_ABSENT', 'x'), 'pv').code).toBe(Code.Unavailable)
    expect(toUncertainStatus(new LunkeeperError('TIMEOUT', 'x'), 'pv').code).toBe(Code.DeadlineExceeded)
  })
})
