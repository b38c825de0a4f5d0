import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { fetchPackages } from '../../../lab/debian/fetch.ts'
import { cacheDirectory } from '../../../lab/debian/root.ts'
import { unpack } from '../../../lab/debian/unpack.ts'

/** Go and the libraries of Helm's templates, at Debian's versions: Helm 3 has sprig 3.2.3. */
const PACKAGES = ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev']

export interface Rendered {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export type Render = (values: string, release?: string, namespace?: string) => Promise<Rendered>

/**
 * Builds render.go, which takes some seconds. The first time, Go (80 MB) is downloaded, and kept where the lab
 * keeps its kernels.
 */
export async function buildRenderer(chart: string, directory: string): Promise<Render> {
  const root = await bringGo()
  const release = (await readdir(join(root, 'usr/lib'))).find((name) => name.startsWith('go-')) ?? 'go'
  const goroot = join(root, 'usr/lib', release)
  const program = join(directory, 'render')
  await promisify(execFile)(
    join(goroot, 'bin/go'),
    ['build', '-o', program, join(import.meta.dirname, 'render.go')],
    {
      env: {
        PATH: process.env['PATH'],
        HOME: directory,
        GOROOT: goroot,
        GOPATH: join(root, 'usr/share/gocode'),
        GOCACHE: join(root, '../build'),
        GO111MODULE: 'off',
        GOFLAGS: '',
        CGO_ENABLED: '0',
      },
    },
  )
  return (values, release = 'lunkeeper', namespace = 'lunkeeper') =>
    run([program, chart, release, namespace], values)
}

async function bringGo(): Promise<string> {
  const directory = join(cacheDirectory(), 'go-bookworm-1')
  if (!existsSync(directory)) {
    await mkdir(cacheDirectory(), { recursive: true })
    const work = await mkdtemp(`${directory}.making-`)
    try {
      const archives = await fetchPackages('bookworm', PACKAGES, join(work, 'apt'))
      await unpack(archives, join(work, 'root'))
      await rm(join(work, 'apt'), { recursive: true })
      await rename(work, directory)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  return join(directory, 'root')
}

function run([file = '', ...args]: readonly string[], input: string): Promise<Rendered> {
  const { promise, resolve, reject } = Promise.withResolvers<Rendered>()
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }))
  child.stdin.end(input)
  return promise
}
