import { runProgram } from './program.ts'

// Not left to an empty event loop: an abandoned program that is stuck in the kernel must not keep this one alive. Without a
// top-level await, which a module of the single-file program cannot have.
void runProgram(process.argv.slice(2)).then((status) => process.exit(status))
