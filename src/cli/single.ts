// The first module of the single-file program (deploy/release/single.ts). What stands in files of their own elsewhere, the
// worker and the observer, is this program again, started with an argument of its own.
import { setFlagsFromString } from 'node:v8'

import { WORKER_ARGUMENT } from '../host/exec/fork.ts'
import { OBSERVER_ARGUMENT } from '../http/observe/script.ts'

// As bin/lunkeeper has it, and for the same reason.
if (process.argv[2] === 'explain')
  for (const flag of ['--optimize-for-size', '--no-maglev']) setFlagsFromString(flag)

// Without a channel to its sender it is a word that a user has typed.
if (process.argv[2] === WORKER_ARGUMENT && process.channel) void import('../host/worker/main.ts')
else if (process.argv[2] === OBSERVER_ARGUMENT && process.channel) void import('../http/observe/main.ts')
else void import('./main.ts')
