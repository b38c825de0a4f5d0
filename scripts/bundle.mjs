// Single-file programs: one file to load is what keeps the command's start short.
import { build } from 'esbuild'

await build({
  entryPoints: { lunkeeper: 'src/cli/main.ts', hand: 'src/host/hand/main.ts', index: 'src/index.ts' },
  outdir: process.argv[2] ?? 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22.18',
  format: 'esm',
  sourcemap: 'linked',
  logLevel: 'warning',
  // Bundled CommonJS (commander, yaml) asks for require() of Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
