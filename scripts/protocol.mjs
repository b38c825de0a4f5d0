// Makes JavaScript and types of src/csi/protocol/csi.proto, beside it. Without the network.
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const directory = join(root, 'src/csi/protocol')
const template = {
  version: 'v2',
  plugins: [
    {
      local: [process.execPath, join(root, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es')],
      out: directory,
      opt: ['target=js+dts', 'import_extension=js'],
    },
  ],
}
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/@bufbuild/buf/bin/buf'),
    'generate',
    '--template',
    JSON.stringify(template),
    directory,
  ],
  { stdio: 'inherit' },
)
