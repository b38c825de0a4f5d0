import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Lab } from '../../lab/index.ts'

/** processes whose command line names the lab's directory: kernels and all their helpers, the switch, the guard */
function processes(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(dir) ? [`${pid} ${line}`] : []
      } catch {
        return []
      }
    })
}

async function gone(dir: string): Promise<string[]> {
  // the guard needs some milliseconds; a busy machine gets five seconds
  for (let tries = 0; tries < 100 && (processes(dir).length > 0 || existsSync(dir)); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  return [...processes(dir), ...(existsSync(dir) ? [dir] : [])]
}

test('close leaves no process and no file', { timeout: 300_000 }, async () => {
  const lab = await Lab.open()
  await Promise.all([
    lab.boot({ name: 'one', address: '10.9.0.1' }),
    lab.boot({ name: 'two', debian: 'trixie', address: '10.9.0.2' }),
  ])
  expect(processes(lab.dir).length).toBeGreaterThan(3)
  await lab.close()
  expect([...processes(lab.dir), ...(existsSync(lab.dir) ? [lab.dir] : [])]).toEqual([])
})

test.each([
  ['killed with -9', 'SIGKILL', ''],
  ['killed with -9 while a machine is frozen', 'SIGKILL', 'frozen'],
  ['interrupted', 'SIGINT', ''],
  ['ended by an uncaught error', undefined, 'throws'],
] as const)(
  'a test process %s leaves no process and no file',
  { timeout: 300_000 },
  async (_, signal, how) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('fixture-open-lab.ts', import.meta.url)), how],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    )
    const ended = once(child, 'exit')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const dir = line.toString().trim()
    if (signal) child.kill(signal)
    await ended
    expect(await gone(dir)).toEqual([])
  },
)
