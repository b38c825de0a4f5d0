import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import type { Program } from './programs.ts'
import { PACKAGE_OF } from './programs.ts'
import type { RunResult, RunOptions } from './run.ts'
import { run } from './run.ts'
import type { StandbyShells } from './standby.ts'

/** Exit statuses of nsenter(1), as of a shell, if it could not execute the program. */
const NOT_EXECUTED = new Set([126, 127])

/**
 * A function that runs the host's own programs in the host's mount, IPC and network namespaces, for a container that has
 * the host's root directory at `root`. An iscsiadm of the container would have to match the version of the host's iscsid,
 * and its mounts would have to be propagated to the host.
 */
export function runOnHost(root: string, standby: StandbyShells) {
  const namespace = (kind: string) => join(root, 'proc/1/ns', kind)
  const enter = ['mnt', 'ipc', 'net'].map((kind) => `--${kind === 'mnt' ? 'mount' : kind}=${namespace(kind)}`)
  return async (program: Program, args: readonly string[], options: RunOptions): Promise<RunResult> => {
    const ran = await run('nsenter', [...enter, '--', program, ...args], options, standby)
    if (!NOT_EXECUTED.has(ran.code ?? 0) || !ran.stderr.includes('nsenter: failed to execute')) return ran
    throw new LunkeeperError('PROGRAM_MISSING', `the program ${program} is not installed on the host`, {
      hint: `On the host, Debian and Ubuntu: apt-get install ${PACKAGE_OF[program]}`,
      details: { program, package: PACKAGE_OF[program] },
    })
  }
}
