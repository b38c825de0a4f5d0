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

const explainLog = (bytes: Buffer) => {
  // The contents decide, not the name.
  const path = join(temporary(), 'kern.log')
  writeFileSync(path, bytes)
  return explain(logSource(path), options)
}

describe('a compressed log', () => {
  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('compressed with %s gives the same report', async (_, pack) => {
    expect(await explainLog(pack(LOG))).toEqual(await explainLog(LOG))
  })

  test('in a format that cannot be decompressed here is an error that names another way', async () => {
    const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), LOG])
    await expect(explainLog(xz)).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('xz -dc FILE | lunkeeper explain -'),
    })
  })

  test('that is corrupt or truncated is reported as such', async () => {
    const packed = gzipSync(LOG)
    await expect(explainLog(packed.subarray(0, packed.length / 2))).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('is truncated'),
    })
    packed.fill(7, 20, 60)
    await expect(explainLog(packed)).rejects.toMatchObject({
      code: 'LOG_UNREADABLE',
      message: expect.stringContaining('corrupt'),
    })
  })

  test.runIf(spawnSync('xz', ['--version']).status === 0)(
    'compressed with xz is read; a truncated one is an error',
    async () => {
      const packed = spawnSync('xz', ['-c'], { input: LOG }).stdout
      expect((await explainLog(packed)).sessions).toEqual((await explainLog(LOG)).sessions)
      await expect(explainLog(packed.subarray(0, packed.length - 40))).rejects.toMatchObject({
        code: 'LOG_UNREADABLE',
        message: expect.stringContaining('xz could not decompress it'),
      })
    },
  )

  test.each(['', 'x', '\u001f'])('that contains only %j is a log without outages', async (text) => {
    expect((await explainLog(Buffer.from(text, 'latin1'))).sessions).toEqual([])
  })
})

test('the output of dmesg -H, without absolute times, is an error and not "no outage"', async () => {
  const human = '[Aug28 18:38] cron: x\n[  +0.000012]  connection13:0: detected conn error (1020)\n'
  await expect(explainLog(Buffer.from(human))).rejects.toMatchObject({
    code: 'LOG_UNREADABLE',
    hint: expect.stringContaining('dmesg -T'),
  })
})
