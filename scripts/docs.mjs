// Writes the pages that are made from the source. With --check: says which are not current, and changes nothing.
import { readFileSync, writeFileSync } from 'node:fs'

import { errorsPage } from '../src/cli/help/errors-page.ts'
import { findingsPage } from '../src/cli/help/findings-page.ts'
import { apiPage } from './api.mjs'

const pages = {
  'docs/errors.md': errorsPage(),
  'docs/findings.md': findingsPage(),
  'docs/api.md': apiPage().text,
}

for (const [path, text] of Object.entries(pages)) {
  const file = new URL(`../${path}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${path} is not current: run node scripts/docs.mjs\n`)
    process.exitCode = 1
  }
}
