import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')
let checkout: string

/** Lints planted files as if they were in the project; returns the linter's messages. */
async function lintAll(files: ReadonlyMap<string, string>, format = 'default'): Promise<string> {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(checkout, path)), { recursive: true })
    writeFileSync(join(checkout, path), text)
  }
  const linter = join(project, 'node_modules/oxlint/bin/oxlint')
  const args = ['--config', join(checkout, '.oxlintrc.json'), '--format', format, ...files.keys()]
  const { stdout } = await run(process.execPath, [linter, ...args], {
    cwd: checkout,
    maxBuffer: 16 << 20,
  }).catch((error: { stdout: string }) => error)
  return stdout
}

const lint = (path: string, text: string) => lintAll(new Map([[path, text]]))

interface Restriction {
  readonly group: readonly string[]
  readonly message: string
}

/** Each folder with restrictions of its own, and these restrictions, read from the linter's configuration. */
function restrictedFolders(): readonly {
  readonly folder: string
  readonly restrictions: readonly Restriction[]
}[] {
  const { overrides } = JSON.parse(readFileSync(join(project, '.oxlintrc.json'), 'utf8')) as {
    overrides: { files: string[]; rules: Record<string, 'off' | ['error', { patterns: Restriction[] }]> }[]
  }
  return overrides.flatMap(({ files, rules }) => {
    const rule = rules['no-restricted-imports']
    if (!Array.isArray(rule)) return []
    return files.map((glob) => ({ folder: glob.replace('/**', ''), restrictions: rule[1].patterns }))
  })
}

/** An import that the pattern forbids. */
function violationOf(pattern: string): string {
  const specifier = pattern.replace(/^node:\*$/, 'node:fs').replace(/^(\.\.\/)?\*\*\//, '../../')
  return `import '${specifier.replace(/\*\*$/, 'planted.ts')}'`
}

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'lunkeeper-lint-'))
  cpSync(join(project, '.oxlintrc.json'), join(checkout, '.oxlintrc.json'))
  symlinkSync(join(project, 'node_modules'), join(checkout, 'node_modules'))
})
afterEach(() => rmSync(checkout, { recursive: true, force: true }))

describe('imports go one way', () => {
  it.each([
    ['src/model/planted.ts', "import '../host/host.ts'\n", 'model is pure'],
    ['src/model/plan/planted.ts', "import 'node:fs'\n", 'model does no I/O'],
    ['src/host/planted.ts', "import '../state/view/list.ts'\n", 'host imports only model'],
    ['src/host/exec/planted.ts', "import '../../volumes/step.ts'\n", 'host imports only model'],
    ['src/host/proof/planted.ts', "import '../../state/proof/prove.ts'\n", 'host imports only model'],
    ['src/host/act/planted.ts', "import 'node:child_process'\n", 'src/host/exec only'],
    ['src/host/fs/planted.ts', "import '../proof/issue.ts'\n", 'Only src/state/proof issues'],
    ['src/state/view/planted.ts', "import '../../volumes/step.ts'\n", 'state imports only host'],
    ['src/state/records/planted.ts', "import '../view/list.ts'\n", 'records import only host'],
    ['src/state/proof/planted.ts', "import '../view/list.ts'\n", 'state/proof imports only records'],
    ['src/state/view/planted.ts', "import '../../host/proof/issue.ts'\n", 'Only src/state/proof issues'],
    ['src/volumes/planted.ts', "import '../hold/change.ts'\n", 'volumes imports only state'],
    ['src/volumes/attach/planted.ts', "import '../../cli/main.ts'\n", 'volumes imports only state'],
    ['src/volumes/attach/planted.ts', "import 'execa'\n", 'src/host/exec only'],
    ['src/volumes/detach/planted.ts', "import '../../host/proof/issue.ts'\n", 'Only src/state/proof issues'],
    ['src/hold/planted.ts', "import '../csi/status.ts'\n", 'hold imports only volumes'],
    ['src/hold/planted.ts', "import '../doctor/doctor.ts'\n", 'hold imports only volumes'],
    ['src/doctor/planted.ts', "import '../agent/log.ts'\n", 'doctor reads the engine'],
    ['src/doctor/checks/planted.ts', "import 'execa'\n", 'src/host/exec only'],
    ['src/doctor/planted.ts', "import '../library/host.ts'\n", 'doctor reads the engine'],
    ['src/volumes/planted.ts', "import '../library/host.ts'\n", 'volumes imports only state'],
    ['src/csi/planted.ts', "import '../library/host.ts'\n", 'no other front end'],
    ['src/library/planted.ts', "import '../cli/main.ts'\n", 'library imports the engine'],
    ['src/library/planted.ts', "import '../agent/agent.ts'\n", 'library imports the engine'],
    ['src/library/planted.ts', "import 'execa'\n", 'src/host/exec only'],
    ['src/library/planted.ts', "import '../host/proof/issue.ts'\n", 'Only src/state/proof issues'],
    ['src/agent/planted.ts', "import '../csi/status.ts'\n", 'The agent imports the engine'],
    ['src/agent/planted.ts', "import '../cli/main.ts'\n", 'The agent imports the engine'],
    ['src/explain/planted.ts', "import '../host/host.ts'\n", 'it imports only model'],
    ['src/explain/planted.ts', "import 'node:fs'\n", 'explain does no I/O'],
    ['src/csi/planted.ts', "import '../cli/main.ts'\n", 'no other front end'],
    ['src/csi/planted.ts', "import '../http/serve.ts'\n", 'no other front end'],
    ['src/csi/node/planted.ts', "import 'execa'\n", 'src/host/exec only'],
    ['src/http/planted.ts', "import '../csi/status.ts'\n", 'no other front end'],
    ['src/http/page/view/planted.ts', "import '../../../host/host.ts'\n", 'The page runs in a browser'],
    ['src/http/page/planted.ts', "import 'node:fs'\n", 'there is no Node'],
    ['src/kubernetes/planted.ts', "import '../csi/status.ts'\n", 'no other front end'],
    ['src/kubernetes/events/planted.ts', "import '../../agent/log.ts'\n", 'no other front end'],
    ['src/cli/planted.ts', "import 'node:child_process'\n", 'src/host/exec only'],
    ['src/cli/planted.ts', "import '../host/proof/issue.ts'\n", 'Only src/state/proof issues'],
  ])('a planted violation in %s is found: %s', async (path, text, message) => {
    expect(await lint(path, text)).toContain(message)
  })

  it('each forbidden import of each folder is found when it is planted there', async () => {
    const folders = restrictedFolders()
    const plantedIn = (folder: string) => `${folder}/planted.ts`
    const textOf = (restrictions: readonly Restriction[]) =>
      restrictions.flatMap(({ group }) => group.map((pattern) => `${violationOf(pattern)}\n`)).join('')
    const files = new Map(
      folders.map(({ folder, restrictions }) => [plantedIn(folder), textOf(restrictions)]),
    )
    const { diagnostics } = JSON.parse(await lintAll(files, 'json')) as {
      diagnostics: { filename: string; help?: string; labels: { span: { line: number } }[] }[]
    }
    const found = new Set(
      diagnostics.map(({ filename, help, labels }) => `${filename}:${labels[0]!.span.line}: ${help}`),
    )
    const missed = folders.flatMap(({ folder, restrictions }) => {
      let line = 0
      return restrictions.flatMap(({ group, message }) =>
        group.flatMap((pattern) => {
          const isFound = found.has(`${plantedIn(folder)}:${++line}: ${message}`)
          return isFound ? [] : [`${folder}: ${pattern}: ${message}`]
        }),
      )
    })
    expect(missed).toEqual([])
    expect(folders.map(({ folder }) => folder)).toEqual(
      expect.arrayContaining(
        ['model', 'host', 'state', 'volumes', 'hold', 'agent'].map((name) => `src/${name}`),
      ),
    )
  })

  it('what is allowed is not reported', async () => {
    expect(
      await lint('src/volumes/planted.ts', "import '../host/host.ts'\nimport '../model/lun.ts'\n"),
    ).not.toContain('no-restricted-imports')
  })
})
