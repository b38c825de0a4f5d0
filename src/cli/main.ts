import { runProgram } from './program.ts'

const status = await runProgram(process.argv.slice(2))
// Not left to an empty event loop: a program stuck in the kernel, left behind, must not keep this one.
process.exit(status)
