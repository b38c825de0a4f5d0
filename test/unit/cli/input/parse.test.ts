import { describe, expect, test } from 'vitest'

import { COMMANDS } from '../../../../src/cli/commands.ts'
import { parse } from '../../../../src/cli/input/parse.ts'
import { LunkeeperError } from '../../../../src/model/errors.ts'

function parsed(line: string) {
  return parse(COMMANDS, line === '' ? [] : line.split(' '))
}

function refused(argv: readonly string[]): string {
  try {
    parse(COMMANDS, argv)
  } catch (error) {
    if (error instanceof LunkeeperError) return `${error.code}: ${error.message}. ${error.hint}`
    throw error
  }
  return 'accepted'
}

test('the flags of a command become options of the same names', () => {
  expect(
    parsed('attach --portal a --portal=b --iqn i --lun 0 --hold-mode map --read-only --mount-option noatime'),
  ).toMatchObject({
    kind: 'run',
    command: { name: 'attach' },
    argument: null,
    options: {
      portal: ['a', 'b'],
      iqn: 'i',
      lun: '0',
      'hold-mode': 'map',
      'read-only': true,
      'mount-option': ['noatime'],
    },
  })
})

test.each(['--json volumes db', 'volumes --json db', 'volumes db --json'])(
  'a flag of every command stands anywhere: %s',
  (line) => {
    expect(parsed(line)).toMatchObject({ argument: 'db', globals: { json: true, verbose: false } })
  },
)

test('the directories can be set', () => {
  expect(parsed('volumes --records /r --runtime /run/x')).toMatchObject({
    globals: { records: '/r', runtime: '/run/x' },
  })
})

test('a single dash is a value', () => {
  expect(parsed('attach -f -')).toMatchObject({ options: { file: '-' } })
  expect(parsed('attach --chap-file -')).toMatchObject({ options: { 'chap-file': '-' } })
})

test.each([
  ['', { kind: 'help', topic: null }],
  ['--help', { kind: 'help', topic: null }],
  ['-h', { kind: 'help', topic: null }],
  ['help', { kind: 'help', topic: null }],
  ['help BUSY', { kind: 'help', topic: 'BUSY' }],
  ['detach --help', { kind: 'help', topic: 'detach' }],
  ['--help detach db', { kind: 'help', topic: 'detach' }],
  ['--version', { kind: 'version' }],
  ['--version --json', { kind: 'version' }],
])('"%s" is answered without running anything', (line, answer) => {
  expect(parsed(line)).toEqual(answer)
})

describe('an invalid command line is refused', () => {
  test.each([
    [['volmes'], "USAGE: unknown command 'volmes'. Did you mean volumes?"],
    [['frobnicate'], "USAGE: unknown command 'frobnicate'. See `lunkeeper --help`."],
    [['attach', '--portl', 'x'], "USAGE: unknown option '--portl'. Did you mean --portal?"],
    [['attach', '--lun'], 'USAGE: --lun requires a value. See `lunkeeper attach --help`.'],
    [['attach', '--portal', '--iqn', 'x'], 'USAGE: --portal requires a value. It is followed by --iqn.'],
    [['attach', '--serial', '--format'], 'USAGE: --serial requires a value. It is followed by --format.'],
    [['attach', '--format=yes'], 'USAGE: --format takes no value. See `lunkeeper attach --help`.'],
    [['volumes', '--verbose=1'], 'USAGE: --verbose takes no value. See `lunkeeper volumes --help`.'],
    [['attach', '-f'], 'USAGE: --file requires a value. See `lunkeeper attach --help`.'],
    [['attach', '--lun', '1', '--lun', '2'], 'USAGE: --lun was given twice. Leave one of them out.'],
    [
      ['attach', '--wwid', ''],
      'USAGE: the value of --wwid is empty. Leave the flag out, or give it a value.',
    ],
    [['attach', '--fs', 'zfs'], 'USAGE: "zfs" is not a valid value of --fs. Valid values: ext4, xfs.'],
    [['detach'], 'USAGE: detach requires NAME|MOUNTPOINT|DEVICE. See `lunkeeper detach --help`.'],
    [['detach', ''], 'USAGE: NAME|MOUNTPOINT|DEVICE is empty. See `lunkeeper detach --help`.'],
    [
      ['volumes', 'a', 'b'],
      "USAGE: too many arguments for 'volumes'. Expected 1 argument but got 2: a, b.. See `lunkeeper volumes --help`.",
    ],
    [['--json'], 'USAGE: no command given. See `lunkeeper --help`.'],
  ])('%j', (argv, message) => {
    expect(refused(argv)).toBe(message)
  })
})

test('an error about an unknown flag does not quote its value', () => {
  expect(refused(['attach', '--chap-password=hunter2hunter2'])).toBe(
    "USAGE: unknown option '--chap-password'. See `lunkeeper attach --help`.",
  )
})
