import { runProgram } from './program.ts'

// Not left to an empty event loop: a program stuck in the kernel, left behind, must not keep this one. Without a
// top-level await, which a module of the single-file program cannot have.
void runProgram(process.argv.slice(2)).then((status) => process.exit(status))
