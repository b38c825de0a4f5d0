import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with one line for machines: `N passed, N failed`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    // A file that breaks before its first test, and an error outside any test, also count as failures.
    const broken = modules.filter((module) => module.errors().length > 0).length
    const skipped = count('skipped')
    if (skipped > 0) process.stdout.write(`${skipped} skipped\n`)
    const line = `${count('passed')} passed, ${count('failed') + broken + unhandled.length} failed`
    process.once('exit', () => process.stdout.write(`${line}\n`))
  }
}
