import { runProgram } from './program.ts'

// The process exits explicitly, because a child process that is stuck in the kernel would keep the event loop
// alive. A module of the single-file program cannot have a top-level await.
void runProgram(process.argv.slice(2)).then((status) => process.exit(status))
