import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const PROGRAM = new URL('../../lab/drill/guest/writer.mjs', import.meta.url).pathname
const SIZE = 4096
const run = (...args: string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...args])

describe("the drill's writer", () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lunkeeper-drill-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('a changed, a short and a missing block are seen when they are read back', async () => {
    const blocks = [1, 2, 3].map((fill) => Buffer.alloc(SIZE, fill))
    const sums = blocks.map((block) => crc32(block))
    blocks[1]![SIZE - 1]! ^= 1
    const file = join(dir, 'blocks')
    await writeFile(file, Buffer.concat(blocks).subarray(0, 3 * SIZE - 1))
    const read = JSON.parse((await run('check', file, '4')).stdout) as (number | null)[]
    expect(read).toEqual([sums[0], expect.any(Number), null, null])
    expect(read[1]).not.toBe(sums[1])
  })

  it('writes nothing into a directory on which nothing is mounted', async () => {
    await expect(run('write', join(dir, 'blocks'))).rejects.toThrow(/nothing is mounted/)
    expect(await readdir(dir)).toEqual([])
  })
})
