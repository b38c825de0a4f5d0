// The first module of the single-file program (deploy/release/single.ts). What stands in a file of its own elsewhere, the
// hand, is this program again, started with an argument of its own.
import { setFlagsFromString } from 'node:v8'

import { HAND_ARGUMENT } from '../host/exec/fork.ts'

// As bin/lunkeeper has it, and for the same reason.
if (process.argv[2] === 'explain')
  for (const flag of ['--optimize-for-size', '--no-maglev']) setFlagsFromString(flag)

// Without a channel to its sender it is a word that a user has typed.
if (process.argv[2] === HAND_ARGUMENT && process.channel) void import('../host/hand/main.ts')
else void import('./main.ts')
