import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, onTestFinished, test } from 'vitest'

import { openContext } from '../../../../src/cli/context.ts'
import type { Globals } from '../../../../src/cli/input/parse.ts'
import { parseConfig, readConfig } from '../../../../src/cli/input/config-file.ts'
import { openTerminal } from '../../../../src/cli/output/terminal.ts'
import { DEFAULT_HOLD } from '../../../../src/model/hold.ts'
import { temporary } from '../../temporary.ts'

const WHOLE = `
# of this node
hold: 30m
hold-mode: map
records: /srv/records
runtime: /srv/runtime
http: 127.0.0.1:9600
csi-endpoint: unix:///run/csi.sock
kubernetes: true
`

test('the fields are the flags of the agent, the directories and the default hold', () => {
  expect(parseConfig(WHOLE, 'config.yaml')).toEqual({
    flags: {
      hold: '30m',
      'hold-mode': 'map',
      records: '/srv/records',
      runtime: '/srv/runtime',
      http: '127.0.0.1:9600',
      'csi-endpoint': 'unix:///run/csi.sock',
      kubernetes: true,
    },
    hold: { wanted: 1800, mode: 'map' },
  })
  expect(parseConfig('hold: 90\n', 'c')).toMatchObject({ hold: { wanted: 90 } })
  expect(parseConfig('# nothing\n', 'c')).toEqual({ flags: {}, hold: {} })
})

describe('an error in the configuration names its line', () => {
  test.each([
    [
      'hold: 10m\nhttpp: x\n',
      'c.yaml:2: "httpp" is not a field of the configuration',
      'Did you mean "http"?',
    ],
    ['\nhold: soon\n', 'c.yaml:2: "soon" is not a valid hold', '300s'],
    ['hold-mode: both\n', 'c.yaml:1: "hold-mode" cannot be used: it is not one of auto', ''],
    ['kubernetes: "yes"\n', 'c.yaml:1: "kubernetes" cannot be used: it is neither true nor false', ''],
    ['hold: 1\nhold: 2\n', 'c.yaml:2: ', ''],
    [
      'hold: 1\nrecords: here\n',
      'c.yaml:2: "records" cannot be used: "here" is not an absolute path',
      'root',
    ],
    ['runtime: ./run\n', 'c.yaml:1: "runtime" cannot be used', ''],
    ['- hold\n', 'c.yaml does not contain the fields of the configuration', 'hold: 30m'],
  ])('%j', (text, message, hint) => {
    expect(() => parseConfig(text, 'c.yaml')).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        exitStatus: 2,
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    )
  })

  test('a configuration file that is named must exist', async () => {
    await expect(readConfig('/nowhere/c.yaml')).rejects.toThrow(
      '/nowhere/c.yaml cannot be read: no such file',
    )
  })
})

/** A command's context for these global flags. */
function contextOf(globals: Partial<Globals>) {
  const none = { json: false, verbose: false, config: null, records: null, runtime: null, hostRoot: null }
  const context = openContext({ ...none, ...globals }, openTerminal(process.stderr), 'volumes')
  onTestFinished(() => context[Symbol.asyncDispose]())
  return context
}

test('the configuration sets directories and the default hold, and a flag overrides it', async () => {
  const file = join(temporary(), 'config.yaml')
  writeFileSync(file, WHOLE)
  const host = await contextOf({ config: file }).host()
  expect(host.places).toEqual({ records: '/srv/records', runtime: '/srv/runtime' })
  expect(host.hold).toEqual({ wanted: 1800, mode: 'map' })
  const flagged = await contextOf({ config: file, records: '/else/where' }).host()
  expect(flagged.places).toEqual({ records: '/else/where', runtime: '/srv/runtime' })
})

test('a shutdown ends holds although the configuration is wrong', async () => {
  const file = join(temporary(), 'config.yaml')
  writeFileSync(file, 'records: [')
  await expect(contextOf({ config: file }).host()).rejects.toMatchObject({ code: 'BAD_CONFIG' })
  const { places } = await contextOf({ config: file }).host({ ignoresConfig: true })
  expect(places).toEqual({ records: '/var/lib/lunkeeper', runtime: '/run/lunkeeper' })
})

test('without a configuration file, the default directories and hold apply', async () => {
  const host = await contextOf({}).host()
  expect(host.places).toEqual({ records: '/var/lib/lunkeeper', runtime: '/run/lunkeeper' })
  expect(host.hold).toEqual({ wanted: DEFAULT_HOLD, mode: 'auto' })
})
