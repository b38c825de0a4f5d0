import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { giveUp, giveUpAll } from '../../../src/hold/give-up.ts'
import { holdMapName } from '../../../src/host/map/hold-map.ts'
import type { Host } from '../../../src/host/host.ts'
import type { HoldNote } from '../../../src/model/hold-note.ts'
import { readHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import type { FakeNode } from '../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

const TABLE = (features: string) =>
  `${holdMapName(NAME)}: 0 131072 multipath ${features} 0 1 1 service-time 0 1 1 8:0 1\n`
const NOTE: HoldNote = {
  since: '2026-11-20T22:00:00.000Z',
  sinceMs: 1_000,

  ended: null,
  trouble: null,
}

let node: FakeNode
let host: Host
let told: string[]
let features: string

beforeEach(() => {
  node = fakeNode()
  told = []
  features = '1 queue_if_no_path'
  host = {
    ...node.host,
    run: async (program, args) => {
      const line = [program, ...args].join(' ')
      if (line.startsWith('dmsetup message')) told.push(line)
      const stdout = program === 'dmsetup' && args[0] === 'table' ? TABLE(features) : ''
      return { code: 0, signal: null, stdout, stderr: '' }
    },
  }
  node.record(staged)
})

describe('a hold is given up', () => {
  it('although no agent has noted the outage, and it is noted first', async () => {
    node.session('FAILED')
    await giveUp(host, NAME)
    expect(readHoldNote(host, NAME)).toMatchObject({ ended: 'give-up' })
    expect(told).toEqual([expect.stringContaining('fail_if_no_path')])
  })

  it('again with success, when it is over', async () => {
    writeHoldNote(host, NAME, { ...NOTE, ended: 'deadline' })
    features = '0'
    await giveUp(host, NAME)
    expect(readHoldNote(host, NAME)).toMatchObject({ ended: 'deadline' })
  })

  it('with all others', async () => {
    node.session('FAILED')
    expect(await giveUpAll(host, { grace: 0 })).toHaveLength(1)
    expect(await giveUpAll(host, { grace: 0 })).toHaveLength(0)
    expect(told).toHaveLength(1)
  })

  it.runIf(process.getuid?.() === 0).each([
    ['full', 'size=4k,nr_inodes=1'],
    ['read-only', 'ro'],
  ])('although /run is %s, because a shutdown would hang', async (_, options) => {
    node.session('FAILED')
    const { runtime } = host.places
    mkdirSync(runtime, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', runtime])
    onTestFinished(() => void execFileSync('umount', [runtime]))
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    expect(await giveUpAll(host, { grace: 0, shutdown: true, warn })).toHaveLength(1)
    expect(told).toContainEqual(expect.stringContaining('fail_if_no_path'))
    expect(warnings).toEqual([
      expect.stringMatching(/last-grace\.json cannot be written: .*; volumes that lose their target/),
      expect.stringContaining('its held I/O fails all the same'),
    ])
  })

  it('with that of a volume whose detach was killed, which may wait although its session is up', async () => {
    node.record({ ...staged, phase: 'detaching' })
    node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:0/block/sda/dev', '8:0\n')
    expect(await giveUpAll(host, { grace: 0 })).toHaveLength(1)
    expect(told).toEqual([expect.stringContaining('fail_if_no_path')])
  })
})

describe('a hold is not given up', () => {
  it.for([
    ['a path is usable', () => {}],
    ['the map fails I/O already', () => ((features = '0'), node.session('FAILED'))],
  ] as const)('if %s', async ([, given]) => {
    given()
    if (features !== '0')
      node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:0/block/sda/dev', '8:0\n')
    await expect(giveUp(host, NAME)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await giveUpAll(host, { grace: 0 })).toEqual([])
    expect(told).toEqual([])
  })

  it('if its session holds it', async () => {
    node.record({ ...staged, mode: 'session' })
    node.session('FAILED')
    await expect(giveUp(host, NAME)).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringContaining('--force'),
    })
  })
})
