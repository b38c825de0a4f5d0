import { runProgram } from './program.ts'

const status = await runProgram(process.argv.slice(2))
// Not left to an empty event loop: an abandoned program that is stuck in the kernel must not keep this one alive.
process.exit(status)
