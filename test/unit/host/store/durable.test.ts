import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { removeDurable, writeDurable } from '../../../../src/host/store/durable.ts'
import { codeOf } from '../../model/code-of.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-store-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const mode = (path: string) => statSync(path).mode & 0o777
const isRoot = process.getuid?.() === 0

test('writeDurable creates its directories and a file that only its owner can read', () => {
  const path = join(dir, 'a/b/record.json')
  writeDurable(path, 'größe')
  writeDurable(path, 'second')
  expect(readFileSync(path, 'utf8')).toBe('second')
  expect([mode(path), mode(join(dir, 'a/b'))]).toEqual([0o600, 0o700])
  expect(readdirSync(join(dir, 'a/b'))).toEqual(['record.json'])
})

test('a reader that has the old file open continues to read it', () => {
  const path = join(dir, 'record')
  writeDurable(path, 'old')
  const { ino } = statSync(path)
  writeDurable(path, 'new')
  expect(statSync(path).ino).not.toBe(ino)
})

test('writeDurable replaces a link, and leaves its target alone', () => {
  writeFileSync(join(dir, 'target'), 'kept')
  symlinkSync('target', join(dir, 'record'))
  writeDurable(join(dir, 'record'), 'new')
  expect(readFileSync(join(dir, 'target'), 'utf8')).toBe('kept')
  expect(readFileSync(join(dir, 'record'), 'utf8')).toBe('new')
})

test('the temporary file can be in another directory, and its name starts with a dot', () => {
  const elsewhere = join(dir, 'elsewhere')
  mkdirSync(elsewhere)
  mkdirSync(join(dir, 'nodes'))
  // There is a directory where the file must go: the rename fails after the temporary file was created there.
  mkdirSync(join(dir, 'nodes/record'))
  expect(codeOf(() => writeDurable(join(dir, 'nodes/record'), 'x', elsewhere))).toBe('RECORD_UNWRITABLE')
  expect(codeOf(() => writeDurable(join(dir, 'nodes/other'), 'x', join(dir, 'none')))).toBe(
    'RECORD_UNWRITABLE',
  )
  expect(readdirSync(elsewhere)).toEqual([])
  expect(readdirSync(join(dir, 'nodes'))).toEqual(['record'])
})

describe('a failure leaves the old file and nothing else', () => {
  test.skipIf(!isRoot)('a full disk', () => {
    const full = join(dir, 'full')
    mkdirSync(full)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full])
    onTestFinished(() => void execFileSync('umount', [full]))
    const path = join(full, 'record')
    writeDurable(path, 'old')
    expect(codeOf(() => writeDurable(path, 'x'.repeat(100_000)))).toBe('NO_SPACE')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(full)).toEqual(['record'])
  })

  test.skipIf(!isRoot)('a disk without room for another file', () => {
    const full = join(dir, 'full')
    mkdirSync(full)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=3', 'tmpfs', full])
    onTestFinished(() => void execFileSync('umount', [full]))
    writeFileSync(join(full, 'other'), '')
    writeDurable(join(full, 'record'), 'old')
    expect(codeOf(() => writeDurable(join(full, 'record'), 'new'))).toBe('NO_SPACE')
    expect(readdirSync(full)).toEqual(['other', 'record'])
  })

  test.skipIf(!isRoot)('a read-only file system', () => {
    const frozen = join(dir, 'frozen')
    mkdirSync(frozen)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', frozen])
    onTestFinished(() => void execFileSync('umount', [frozen]))
    writeDurable(join(frozen, 'record'), 'old')
    execFileSync('mount', ['-o', 'remount,ro', frozen])
    expect(codeOf(() => writeDurable(join(frozen, 'record'), 'new'))).toBe('RECORD_UNWRITABLE')
    expect(codeOf(() => removeDurable(join(frozen, 'record')))).toBe('RECORD_UNWRITABLE')
    expect(readdirSync(frozen)).toEqual(['record'])
  })

  test('no permission', () => {
    const closed = join(dir, 'closed')
    mkdirSync(closed)
    writeFileSync(join(closed, 'record'), 'old')
    const source = join(import.meta.dirname, '../../../../src/host/store/durable.ts')
    // Root may write everywhere; another user may not.
    const script = `
      const { writeDurable, removeDurable } = await import(${JSON.stringify(source)})
      process.setuid?.(65534)
      for (const work of [() => writeDurable(${JSON.stringify(join(closed, 'record'))}, 'new'), () => removeDurable(${JSON.stringify(join(closed, 'record'))})])
        try { work(); console.log('done') } catch (error) { console.log(error.code, error.details.errno) }`
    execFileSync('chmod', ['755', dir, closed])
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    })
    expect(said).toBe('NO_PERMISSION EACCES\nNO_PERMISSION EACCES\n')
    expect(readdirSync(closed)).toEqual(['record'])
  })

  test('a name that is too long', () => {
    expect(codeOf(() => writeDurable(join(dir, 'x'.repeat(256)), 'x'))).toBe('RECORD_UNWRITABLE')
    expect(readdirSync(dir)).toEqual([])
  })
})

test('the remains of a crash do not block later writes, even of a process with the same number', () => {
  // In a container every start has the same process number: names made of it and a counter would collide with
  // leftovers.
  const names = new Set<string>()
  const block = join(dir, 'blocked')
  mkdirSync(block)
  for (let attempt = 0; attempt < 3; attempt++) {
    const script = `
      import { writeDurable } from ${JSON.stringify(join(import.meta.dirname, '../../../../src/host/store/durable.ts'))}
      import fs, { readdirSync } from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      fs.renameSync = () => { console.log(readdirSync(${JSON.stringify(dir)}).filter((name) => name.startsWith('.')).join()); process.exit(0) }
      syncBuiltinESMExports()
      Object.defineProperty(process, 'pid', { value: 1 })
      writeDurable(${JSON.stringify(join(dir, 'record'))}, 'x')`
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    })
    names.add(said)
  }
  expect(names.size).toBe(3)
  writeDurable(join(dir, 'record'), 'whole')
  expect(readFileSync(join(dir, 'record'), 'utf8')).toBe('whole')
})

test('killed at any moment, the file is the old one or the new one', async () => {
  const path = join(dir, 'record')
  const texts = ['a', 'b'].map((letter) => letter.repeat(300_000))
  writeDurable(path, texts[0]!)
  const source = join(import.meta.dirname, '../../../../src/host/store/durable.ts')
  const script = `
    import { writeDurable } from ${JSON.stringify(source)}
    const texts = ['a', 'b'].map((letter) => letter.repeat(300_000))
    console.log('ready')
    for (let turn = 1; ; turn++) writeDurable(${JSON.stringify(path)}, texts[turn % 2])`
  for (let round = 0; round < 12; round++) {
    const writer = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(writer.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 3 + round * 2))
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    expect(texts).toContain(readFileSync(path, 'utf8'))
  }
  const others = readdirSync(dir).filter((name) => name !== 'record')
  expect(others.filter((name) => !name.startsWith('.'))).toEqual([])
})

describe('removal', () => {
  test('returns whether the file existed', () => {
    writeFileSync(join(dir, 'record'), '')
    expect(removeDurable(join(dir, 'record'))).toBe(true)
    expect(removeDurable(join(dir, 'record'))).toBe(false)
    expect(removeDurable(join(dir, 'none/record'))).toBe(false)
  })

  test('fails with our error', () => {
    mkdirSync(join(dir, 'full'))
    renameSync(join(dir, 'full'), join(dir, 'record'))
    expect(codeOf(() => removeDurable(join(dir, 'record')))).toBe('RECORD_UNWRITABLE')
  })
})
