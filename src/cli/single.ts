// The entry point of the single-file program (deploy/release/single.ts). The worker and the observer, which are separate
// files in the package, are this program started with a special argument.
import { setFlagsFromString } from 'node:v8'

import { WORKER_ARGUMENT } from '../host/exec/fork.ts'
import { OBSERVER_ARGUMENT } from '../http/observe/script.ts'

// bin/lunkeeper sets the same flags; the reasons are there.
const [, , command = ''] = process.argv
const flags = [
  ...(['agent', 'controller'].includes(command)
    ? []
    : ['--no-concurrent-recompilation', '--no-concurrent-sparkplug']),
  ...(command === 'explain' ? ['--optimize-for-size', '--no-maglev'] : []),
]
for (const flag of flags) setFlagsFromString(flag)

// Without an IPC channel, a user has typed the argument.
if (command === WORKER_ARGUMENT && process.channel) void import('../host/worker/main.ts')
else if (command === OBSERVER_ARGUMENT && process.channel) void import('../http/observe/main.ts')
else void import('./main.ts')
