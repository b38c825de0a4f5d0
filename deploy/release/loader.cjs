// The script that the single-file program starts with: loads the parts that scripts/bundle.mjs made, each when it is first
// asked for.
'use strict'
const { pathToFileURL } = require('node:url')
const { getRawAsset } = require('node:sea')
const { compileFunction } = require('node:vm')

const url = pathToFileURL(process.execPath).href
const modules = new Map()

function load(name) {
  const known = modules.get(name)
  if (known) return known.exports
  const module = { exports: {} }
  modules.set(name, module)
  // They are ASCII: esbuild escapes everything else.
  const source = Buffer.from(getRawAsset(name)).latin1Slice()
  compileFunction(source, ['module', 'exports', 'require', '__url'], { filename: `lunkeeper/${name}` })(
    module,
    module.exports,
    find,
    url,
  )
  return module.exports
}

const find = (name) => (name.startsWith('./') ? load(name.slice(2)) : require(name))

load('single.js')
