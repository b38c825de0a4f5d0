// npm test: brings everything it needs, then runs all tests; real kernels included.
import { bring, bringPacked, measure, root, run, step } from './bring.mjs'

// Starting Node in a kernel of the lab, on the machines that the suite is timed on: a quarter of a second
// (lab/README.md). From this on, all kernel tests would take hours: system calls are slow there (nested virtualization).
const SLOW_MS = 500

const node = bring()
const chosen = process.argv.slice(2)
// Those that take as long as on a real night are asked for by name.
const projects = chosen.some((word) => word.startsWith('--project'))
  ? []
  : ['unit', 'lab', 'deploy', 'kernel'].map((name) => `--project=${name}`)
bringPacked(node)
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
if (chosen.length === 0 && !process.env.LUNKEEPER_TEST_EVERYTHING && !process.env.LUNKEEPER_TEST_KERNEL) {
  const ms = step('measuring how fast this machine runs them', () =>
    measure(node, [`${root}/lab/measure.ts`]),
  )
  if (ms > SLOW_MS) {
    process.env.LUNKEEPER_TEST_KERNEL = 'essential'
    process.stderr.write(
      `This machine starts a program in a kernel of the lab in ${ms} ms, where 250 ms are usual: only the kernel tests of\n` +
        'vitest.config.ts, ESSENTIAL, are run. All of them: LUNKEEPER_TEST_KERNEL=all npm test\n',
    )
  }
}
run(node, [`${root}/node_modules/vitest/vitest.mjs`, 'run', ...projects, ...chosen])
