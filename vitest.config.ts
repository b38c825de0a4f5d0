import { defineConfig } from 'vitest/config'

/** Catches what hangs. A machine whose system calls are slow takes ten times as long for a kernel's work as another. */
const KERNEL = { testTimeout: 900_000, hookTimeout: 600_000 }

/**
 * What a machine runs on which all kernel tests would take hours (scripts/test.mjs): a test of each promise, those of data
 * safety first.
 */
const ESSENTIAL = ['stranger', 'identity-checks', 'hold', 'uses', 'owner'].map(
  (name) => `test/kernel/${name}.test.ts`,
)
const isEssential = process.env.LUNKEEPER_TEST_KERNEL === 'essential'

/** For what is polled until it is so: a busy machine takes longer than the default of a second. */
const PATIENT = { poll: { timeout: 20_000 } }

export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    // A kernel keeps one core busy while it works, and is pinned to it: two of them fill the smallest machine
    // this runs on.
    maxWorkers: 2,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/lint/*.test.ts'],
          expect: PATIENT,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: isEssential ? ['test/lab/target.test.ts'] : ['test/lab/**/*.test.ts'],
          ...KERNEL,
        },
      },
      // As long as on a real night: run with `npm run test:true-time`.
      {
        extends: true,
        test: {
          name: 'true-time',
          include: ['test/true-time/**/*.test.ts'],
          ...KERNEL,
          testTimeout: 1_800_000,
        },
      },
      // Brings Go, once, for Helm's templates, and Debian's packages for the image.
      {
        extends: true,
        test: { name: 'deploy', include: ['test/deploy/**/*.test.ts'], testTimeout: 120_000 },
      },
      // Needs Chromium: run with `npm run test:page`.
      {
        extends: true,
        test: { name: 'page', include: ['test/page/**/*.test.ts'], expect: PATIENT, ...KERNEL },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: isEssential ? ESSENTIAL : ['test/kernel/**/*.test.ts'],
          ...KERNEL,
        },
      },
    ],
  },
})
