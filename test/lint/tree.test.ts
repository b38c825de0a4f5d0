import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { expect, it } from 'vitest'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')

/** Runs one of the project's own tools over the whole tree; returns its complaints, or nothing. */
async function complaints(tool: string, ...args: string[]): Promise<string> {
  const ended = await run(process.execPath, [join(project, 'node_modules', tool), ...args], {
    cwd: project,
    maxBuffer: 1 << 24,
  }).then(
    () => null,
    (error: { stdout: string; stderr: string }) => error,
  )
  return ended ? ended.stdout + ended.stderr : ''
}

it('types fit', { timeout: 300_000 }, async () =>
  expect(await complaints('typescript/bin/tsc', '-p', 'tsconfig.json')).toBe(''),
)

it("the page's types fit, with a browser's", async () =>
  expect(await complaints('typescript/bin/tsc', '-p', 'src/http/page/browser/tsconfig.json')).toBe(''))

// The slowest of them: a busy machine takes more than a minute.
it('the linter has nothing to say', { timeout: 300_000 }, async () =>
  expect(await complaints('oxlint/bin/oxlint', '--type-aware', '--max-warnings=0')).toBe(''),
)

it('everything is formatted', async () => expect(await complaints('oxfmt/bin/oxfmt', '--check')).toBe(''))
