// The entry point of the single-file program (deploy/release/single.ts). The worker and the observer, which are separate
// files in the package, are this program started with a special argument.
import { setFlagsFromString } from 'node:v8'

import { WORKER_ARGUMENT } from '../host/exec/fork.ts'
import { OBSERVER_ARGUMENT } from '../http/observe/script.ts'

// bin/lunkeeper sets the same flags; the reasons are there. Those of all commands are in deploy/release/single.ts.
const command = process.argv[2] ?? ''
if (command === 'explain') for (const flag of ['--optimize-for-size', '--no-maglev']) setFlagsFromString(flag)

// Without an IPC channel, a user has typed the argument.
if (command === WORKER_ARGUMENT && process.channel) void import('../host/worker/main.ts')
else if (command === OBSERVER_ARGUMENT && process.channel) void import('../http/observe/main.ts')
else void import('./main.ts')
