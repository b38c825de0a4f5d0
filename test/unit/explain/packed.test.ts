import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { logSource } from '../../../src/host/logs/log-source.ts'
import { explain } from '../../../src/explain/explain.ts'
import { temporary } from '../temporary.ts'

const LOG = readFileSync(join(import.meta.dirname, 'logs/outage-300s-read-only.log'))
const options = { now: new Date('2026-09-01T00:00:00Z') }

const told = (bytes: Buffer) => {
  // The name says nothing: what is in it counts.
  const path = join(temporary(), 'kern.log')
  writeFileSync(path, bytes)
  return explain(logSource(path), options)
}

describe('a log that logrotate has packed', () => {
  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('by %s tells the same story', async (_, pack) => {
    expect(await told(pack(LOG))).toEqual(await told(LOG))
  })

  test('by what cannot be unpacked here: it says what can', async () => {
    const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), LOG])
    await expect(told(xz)).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('xz -dc FILE | lunkeeper explain -'),
    })
  })

  test('a corrupt or truncated compressed log is reported as such', async () => {
    const packed = gzipSync(LOG)
    await expect(told(packed.subarray(0, packed.length / 2))).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('is truncated'),
    })
    packed.fill(7, 20, 60)
    await expect(told(packed)).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('corrupt'),
    })
  })

  test.runIf(spawnSync('xz', ['--version']).status === 0)('by xz: whole, and cut off', async () => {
    const packed = spawnSync('xz', ['-c'], { input: LOG }).stdout
    expect((await told(packed)).sessions).toEqual((await told(LOG)).sessions)
    await expect(told(packed.subarray(0, packed.length - 40))).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('xz could not decompress it'),
    })
  })

  test.each(['', 'x', '\u001f'])('one of %j only is a log without outages', async (text) => {
    expect((await told(Buffer.from(text, 'latin1'))).sessions).toEqual([])
  })
})

test('dmesg -H writes the time since the line before: that is said, not "no outage"', async () => {
  const human = '[Aug28 18:38] cron: x\n[  +0.000012]  connection13:0: detected conn error (1020)\n'
  await expect(told(Buffer.from(human))).rejects.toMatchObject({
    code: 'LOG_UNREADABLE',
    hint: expect.stringContaining('dmesg -T'),
  })
})
