// Programs as they are shipped: few files to load are what keeps the command's start short.
//   node scripts/bundle.mjs [OUTDIR] [NAME=ENTRY...]   further programs of tests, from the same sources
//   node scripts/bundle.mjs --single OUTDIR            the parts of the single-file program (deploy/release/single.ts)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { build, transform } from 'esbuild'

import { pageCode } from './page.mjs'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

const COMMON = {
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22.18',
  format: 'esm',
  logLevel: 'warning',
  define: { LUNKEEPER_VERSION: JSON.stringify(version) },
  // The schema's formats ask for Node's own punycode, for which Node prints a deprecation warning (DEP0040); the package of
  // that name, which is installed with them, has none.
  alias: { punycode: 'punycode/punycode.js' },
}

/** The page of `lunkeeper agent --http` travels inside the program, as text: there is no file to find. */
const PAGE = { LUNKEEPER_PAGE: JSON.stringify(await pageCode()) }

const [first = 'dist', ...more] = process.argv.slice(2)
await (first === '--single' ? buildSingle(more[0]) : buildFiles(first, more))

async function buildFiles(outdir, more) {
  await build({
    ...COMMON,
    define: { ...COMMON.define, ...PAGE },
    entryPoints: {
      lunkeeper: 'src/cli/main.ts',
      worker: 'src/host/worker/main.ts',
      observer: 'src/http/observe/main.ts',
      index: 'src/index.ts',
      ...Object.fromEntries(more.map((word) => word.split('='))),
    },
    outdir,
    sourcemap: 'linked',
    // Bundled CommonJS (commander, yaml) asks for require() of Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
}

/**
 * A single executable application of Node 24 starts with one CommonJS script, and finds everything else in assets. One
 * script with everything in it doubles the start: all of it is parsed, whatever the command. So it is split as above, each
 * part then made CommonJS, and deploy/release/loader.cjs loads a part when it is asked for. `inputs.json` says which
 * packages are inside.
 */
async function buildSingle(outdir) {
  mkdirSync(outdir, { recursive: true })
  const { outputFiles, metafile } = await build({
    ...COMMON,
    define: { ...COMMON.define, ...PAGE },
    entryPoints: { single: 'src/cli/single.ts' },
    outdir,
    target: 'node24',
    metafile: true,
    write: false,
    minifyWhitespace: true,
    minifySyntax: true,
  })
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      format: 'cjs',
      target: 'node24',
      // As require(), which the loader answers.
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': '__url' },
      minifyWhitespace: true,
    })
    writeFileSync(path, code)
  }
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  )
  const inputs = [...new Set(used.map(([file]) => file))].toSorted()
  writeFileSync(join(outdir, 'inputs.json'), JSON.stringify(inputs))
}
