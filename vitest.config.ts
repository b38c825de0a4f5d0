import { defineConfig } from 'vitest/config'

/** Boots a kernel, and may wait for the kernel's own timers; nothing in it waits for wall-clock alone. */
const KERNEL = { testTimeout: 180_000, hookTimeout: 180_000 }

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
          testTimeout: 60_000,
        },
      },
      { extends: true, test: { name: 'lab', include: ['test/lab/**/*.test.ts'], ...KERNEL } },
      // As long as on a real night: run with `npm run test:true-time`.
      {
        extends: true,
        test: {
          name: 'true-time',
          include: ['test/true-time/**/*.test.ts'],
          ...KERNEL,
          testTimeout: 600_000,
        },
      },
      // Brings Go, once, for Helm's templates, and Debian's packages for the image.
      { extends: true, test: { name: 'deploy', include: ['test/deploy/**/*.test.ts'] } },
      { extends: true, test: { name: 'kernel', include: ['test/kernel/**/*.test.ts'], ...KERNEL } },
    ],
  },
})
