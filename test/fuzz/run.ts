// npm run fuzz -- [TARGET...] [--runs N] [--seconds S] [--seed S] [--corpus DIR]: coverage-guided inputs, N in
// total, split evenly; each target for at most S seconds.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { build } from 'esbuild'

import { prepareRoot } from '../../lab/debian/root.ts'
import { regressionsOf } from './corpus.ts'
import { repeated } from './mutated.ts'
import type { Target } from './target.ts'
import { type Placed, TARGETS } from './targets.ts'

const project = join(import.meta.dirname, '../..')
/** The fuzzer's native part is built with this glibc. */
const NEWEST_GLIBC = [2, 38] as const
/** The longest input of a target that does not set one; libFuzzer begins with short ones. */
const LONGEST = 4096
/** Garbage is collected early, so that growing memory means memory in use. */
const NODE_FLAGS = ['--max-semi-space-size=2']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fuzzer: { type: 'string' },
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    corpus: { type: 'string' },
    seconds: { type: 'string', default: '0' },
  },
})
const chosen =
  positionals.length === 0 ? TARGETS : TARGETS.filter(({ target }) => positionals.includes(target.name))
if (chosen.length === 0) throw new Error(`targets are ${TARGETS.map(({ target }) => target.name).join(', ')}`)
const fuzzer = values.fuzzer
if (fuzzer === undefined) throw new Error('started by npm run fuzz')

const work = mkdtempSync(join(tmpdir(), 'lunkeeper-fuzz-'))
const loader = await loaderOf()
let failed = false
try {
  for (const target of chosen)
    failed = (await fuzz(target, Math.ceil(Number(values.runs) / chosen.length))) || failed
} finally {
  rmSync(work, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** @returns whether a promise was broken */
async function fuzz(placed: Placed, runs: number): Promise<boolean> {
  const { target } = placed
  const { name } = target
  const corpus = values.corpus === undefined ? join(work, name) : join(values.corpus, name)
  const found = join(work, `${name}.found`)
  for (const directory of [corpus, found]) mkdirSync(directory, { recursive: true })
  for (const [at, input] of inputsOf(target).entries()) writeFileSync(join(corpus, `seed-${at}`), input)
  const dictionary = join(work, `${name}.dict`)
  writeFileSync(dictionary, target.words.map((word) => `"${escaped(word)}"\n`).join(''))
  const started = performance.now()
  const said = join(work, `${name}.log`)
  // A file, because the end of a pipe's data is lost when the fuzzer exits.
  const log = openSync(said, 'w')
  const { status } = spawnSync(
    loader[0]!,
    [
      ...loader.slice(1),
      ...NODE_FLAGS,
      join(fuzzer!, 'node_modules/@jazzer.js/core/dist/cli.js'),
      await bundled(placed),
      corpus,
      '--includes',
      `${name}.cjs`,
      '--disableBugDetectors',
      '.*',
      '--',
      `-runs=${runs}`,
      `-max_total_time=${values.seconds}`,
      `-seed=${values.seed}`,
      `-dict=${dictionary}`,
      `-artifact_prefix=${found}/`,
      // Memory is measured for each input (limits.ts).
      `-max_len=${target.longest ?? LONGEST}`,
      '-rss_limit_mb=0',
      '-timeout=60',
      '-print_final_stats=1',
      '-reload=0',
    ],
    { cwd: work, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const stderr = readFileSync(said, 'utf8')
  const done = /number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? '?'
  const coverage = [...stderr.matchAll(/ cov: (\d+) ft: (\d+) corp: (\d+)/g)].at(-1)
  const seconds = Math.round((performance.now() - started) / 1000)
  process.stdout.write(
    `| ${name} | ${done} | ${coverage?.[1] ?? '?'} | ${coverage?.[3] ?? '?'} | ${seconds} s | ${status === 0 ? 'held' : 'BROKEN'} |\n`,
  )
  if (status === 0) return false
  const kept = join(project, 'test/fuzz/regressions', name)
  mkdirSync(kept, { recursive: true })
  for (const file of readdirSync(found)) writeFileSync(join(kept, file), readFileSync(join(found, file)))
  process.stderr.write(
    `${stderr.slice(-4000)}\n${readdirSync(found)
      .map((file) => `kept: ${join(kept, file)}`)
      .join('\n')}\n`,
  )
  return true
}

/** Seeds and regressions, and some of them repeated, because no mutation of a fuzzer does that. */
function inputsOf(target: Target): Buffer[] {
  const all = [...target.seeds(), ...regressionsOf(target.name).map(({ input }) => input)]
  const longest = target.longest ?? LONGEST
  return [...all, ...all.map((input) => repeated(input, input.length >> 1, 7).subarray(0, longest))]
}

/** libFuzzer's dictionary: printable ASCII is unchanged. */
function escaped(word: string): string {
  return [...Buffer.from(word, 'latin1')]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
        ? `\\x${byte.toString(16).padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('')
}

/** The fuzzer counts coverage in CommonJS: one file for each target, named after it. */
async function bundled({ target, module, exported }: Placed): Promise<string> {
  const file = join(work, `${target.name}.cjs`)
  await build({
    stdin: {
      contents: `
        import { PROMISED, runWithin } from './limits.ts'
        import { ${exported} as target } from './targets/${module}.ts'
        export const fuzz = (input) => runWithin(target, input, PROMISED)
      `,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: file,
    logLevel: 'error',
    alias: { punycode: 'punycode/punycode.js' },
    define: {
      LUNKEEPER_VERSION: '"0"',
      'import.meta.url': JSON.stringify(pathToFileURL(import.meta.filename).href),
      'import.meta.dirname': JSON.stringify(import.meta.dirname),
    },
  })
  return file
}

/** Runs Node by the loader of the lab's newest Debian if this machine's glibc is older than the fuzzer's. */
async function loaderOf(): Promise<string[]> {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? '').split('.').map(Number)
  if (major > NEWEST_GLIBC[0] || (major === NEWEST_GLIBC[0] && minor >= NEWEST_GLIBC[1])) return [execPath]
  const { dir } = await prepareRoot('trixie')
  const libraries = join(dir, 'usr/lib/x86_64-linux-gnu')
  if (!existsSync(libraries)) throw new Error(`${libraries} is missing`)
  return [join(libraries, 'ld-linux-x86-64.so.2'), '--library-path', libraries, execPath]
}
