import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Code } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'

import { STATUS, toStatus, toUncertainStatus } from '../../../src/csi/status.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { ERRORS, LunkeeperError } from '../../../src/model/errors.ts'

const sources = join(import.meta.dirname, '../../../src')

describe('errors as gRPC statuses', () => {
  it('every error has one, and it is none that the caller makes of its own', () => {
    expect(Object.keys(STATUS).toSorted()).toEqual(Object.keys(ERRORS).toSorted())
    for (const code of Object.values(STATUS)) expect([Code.Canceled, Code.Unknown]).not.toContain(code)
  })

  it('a request that is wrong is INVALID_ARGUMENT, whatever is wrong about it', () => {
    for (const [code, { exit }] of Object.entries(ERRORS))
      expect(STATUS[code as ErrorCode] === Code.InvalidArgument, code).toBe(exit === 2)
  })

  it('says our code, what happened and what to do; no cause', () => {
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

  it('a hint is what a user of kubectl can do: no flag that Kubernetes lacks, and where a command is run', () => {
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

  it('our own mistakes tell nothing of themselves', () =>
    expect(toStatus(new TypeError('secret of x')).rawMessage).not.toContain('secret'))

  it('where something is left, the status makes a kubelet call Unstage', () => {
    expect(toUncertainStatus(new LunkeeperError('LUN_ABSENT', 'x'), 'pv').code).toBe(Code.Unavailable)
    expect(toUncertainStatus(new LunkeeperError('TIMEOUT', 'x'), 'pv').code).toBe(Code.DeadlineExceeded)
  })
})
