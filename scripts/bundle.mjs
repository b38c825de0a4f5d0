// Single-file programs: one file to load is what keeps the command's start short.
//   node scripts/bundle.mjs [OUTDIR] [NAME=ENTRY...]   further programs of tests, from the same sources
import { build } from 'esbuild'

const [outdir = 'dist', ...more] = process.argv.slice(2)
await build({
  entryPoints: {
    lunkeeper: 'src/cli/main.ts',
    hand: 'src/host/hand/main.ts',
    index: 'src/index.ts',
    ...Object.fromEntries(more.map((word) => word.split('='))),
  },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22.18',
  format: 'esm',
  sourcemap: 'linked',
  logLevel: 'warning',
  // The schema's formats ask for Node's own punycode, for which Node prints a deprecation warning (DEP0040); the package of
  // that name, which is installed with them, has none.
  alias: { punycode: 'punycode/punycode.js' },
  // Bundled CommonJS (commander, yaml) asks for require() of Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
