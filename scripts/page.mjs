// The program and the style of the page that `lunkeeper agent --http` serves, each as one text.
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const page = fileURLToPath(new URL('../src/http/page/', import.meta.url))

/** @returns {Promise<{ script: string, style: string }>} */
export async function pageCode() {
  const { outputFiles } = await build({
    entryPoints: { script: `${page}browser/main.ts`, style: `${page}page.css` },
    bundle: true,
    minify: true,
    // Of 2023: the browsers that a long-term distribution still has.
    target: ['chrome115', 'firefox115', 'safari17'],
    format: 'esm',
    charset: 'utf8',
    logLevel: 'warning',
    outdir: 'page',
    write: false,
  })
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text
  return { script: text('script.js'), style: text('style.css') }
}
