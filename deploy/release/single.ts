import { chmod, copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'

import { program } from '../../lab/debian/program.ts'

const project = join(import.meta.dirname, '../..')

/** Turned over in a Node that has a program in it: Node's documentation, "Single executable applications". */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * The parts of the single-file program, in `parts`, and the blob that is put into a Node of any architecture: it has neither
 * compiled code nor a snapshot, which would be of one machine and different each time.
 * @returns the blob
 */
export async function makeBlob(work: string, parts: string): Promise<string> {
  await program([execPath, 'scripts/bundle.mjs', '--single', parts], { cwd: project })
  const names = (await readdir(parts)).filter((name) => name.endsWith('.js')).toSorted()
  const config = join(work, 'sea.json')
  const output = join(work, 'sea.blob')
  await writeFile(
    config,
    JSON.stringify({
      main: join(project, 'deploy/release/loader.cjs'),
      output,
      disableExperimentalSEAWarning: true,
      // bin/lunkeeper sets the same flags; the reasons are there. V8 reads them before it starts its threads: set later,
      // they leave what Node's own start compiles to another thread.
      execArgv: [
        '--no-concurrent-recompilation',
        '--no-concurrent-sparkplug',
        '--max-semi-space-size=2',
        '--initial-old-space-size=8',
      ],
      // What a user's NODE_OPTIONS say is not for this program.
      execArgvExtension: 'none',
      assets: Object.fromEntries(names.map((name) => [name, join(parts, name)])),
    }),
  )
  await program([execPath, '--experimental-sea-config', config])
  return output
}

/** Lunkeeper and Node in one file. @param node bin/node of the version that made the blob, of any architecture */
export async function makeSingle(out: string, node: string, blob: string): Promise<void> {
  await copyFile(node, out)
  await chmod(out, 0o755)
  const inject = join(project, 'node_modules/postject/dist/cli.js')
  await program([execPath, inject, out, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE])
}
