import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const project = join(import.meta.dirname, '../../..')

export const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  version: string
}

/** What users install, packed once for all tests. */
export interface Packed {
  readonly directory: string
  readonly single: string
  readonly deb: string
  readonly npm: string
}

export async function packed(): Promise<Packed> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(project, 'scripts/packed.mjs')], {
    cwd: project,
  })
  const directory = stdout.trim()
  return {
    directory,
    single: join(directory, `lunkeeper-${version}-linux-x64`),
    deb: join(directory, `lunkeeper_${version}_amd64.deb`),
    npm: join(directory, `lunkeeper-${version}.tgz`),
  }
}
