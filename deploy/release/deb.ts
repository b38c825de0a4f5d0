import { copyFile, link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

import { program } from '../../lab/debian/program.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { bashCompletion } from '../../src/cli/completion/bash.ts'
import { fishCompletion } from '../../src/cli/completion/fish.ts'
import { commandLinesOf } from '../../src/cli/completion/command-line.ts'
import { zshCompletion } from '../../src/cli/completion/zsh.ts'
import { configSample } from '../../src/cli/help/config-sample.ts'
import { manPages } from '../../src/cli/help/man-pages.ts'
import type { Architecture } from './architecture.ts'
import { digestOf } from './checksums.ts'
import { EPOCH } from './epoch.ts'

const project = join(import.meta.dirname, '../..')

export interface DebInput {
  readonly version: string
  readonly architecture: Architecture
  /** The single-file program. */
  readonly single: string
  readonly licences: string
  readonly sbom: string
}

/**
 * What it needs: Node's official build asks for these versions of the C and C++ libraries; open-iscsi as README.md says.
 * Programs without which one job is not done, such as a file system's, are recommended.
 */
const RELATIONS = `Depends: libc6 (>= 2.28), libstdc++6 (>= 8), init-system-helpers (>= 1.54), open-iscsi (>= 2.1.8), util-linux, mount, udev, dmsetup, sg3-utils
Recommends: e2fsprogs, xfsprogs, systemd
Suggests: multipath-tools, xz-utils, bzip2`

/** A package for Debian 12, Ubuntu 24.04 and newer: they read zstd, and have open-iscsi 2.1.8. @returns its file */
export async function makeDeb(out: string, work: string, input: DebInput): Promise<string> {
  const { version, architecture, single } = input
  const tree = join(work, `deb-${architecture}`)
  const put = async (path: string, content: string | Buffer, mode = 0o644) => {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    await writeFile(join(tree, path), content, { mode })
  }
  for (const [path, content] of Object.entries(await textFiles(input))) await put(path, content)
  await mkdir(join(tree, 'usr/sbin'), { recursive: true })
  // 120 MB, which need not be copied within one file system.
  await link(single, join(tree, 'usr/sbin/lunkeeper')).catch(() =>
    copyFile(single, join(tree, 'usr/sbin/lunkeeper')),
  )
  const files = (await filesOf(tree)).toSorted()
  await put('DEBIAN/md5sums', await checksums(tree, files))
  await put('DEBIAN/conffiles', '/etc/lunkeeper/config.yaml\n')
  for (const script of ['postinst', 'prerm', 'postrm'])
    await put(`DEBIAN/${script}`, await readFile(join(project, 'deploy/debian', script)), 0o755)
  await put('DEBIAN/control', control(version, architecture, await sizeOf(tree, files)))
  // Independent of the umask of the builder.
  await program(['chmod', '-R', 'u+rwX,go+rX,go-w', tree])
  const file = join(out, `lunkeeper_${version}_${architecture}.deb`)
  await program(
    // One thread: with several the bytes depend on how many.
    ['dpkg-deb', '--root-owner-group', '-Zzstd', '-z9', '--threads-max=1', '--build', tree, file],
    { env: { SOURCE_DATE_EPOCH: EPOCH } },
  )
  return file
}

async function textFiles({ version, licences, sbom }: DebInput): Promise<Record<string, string | Buffer>> {
  const own = (path: string) => readFile(join(project, path), 'utf8')
  const words = commandLinesOf(COMMANDS)
  const pagesIn = async (folder: string) =>
    (await readdir(join(project, folder)))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`)
  const docs = [...(await pagesIn('docs')), ...(await pagesIn('docs/decisions'))]
  const units = ['lunkeeper.service', 'lunkeeper-shutdown.service']
  return {
    ...Object.fromEntries(
      await Promise.all(
        units.map(async (unit) => [
          `usr/lib/systemd/system/${unit}`,
          (await own(`deploy/${unit}`)).replaceAll('/usr/local/sbin/lunkeeper', '/usr/sbin/lunkeeper'),
        ]),
      ),
    ),
    ...Object.fromEntries(
      Object.entries(manPages(COMMANDS, version)).map(([name, text]) => [
        `usr/share/man/man${name.at(-1)}/${name}.gz`,
        packed(text),
      ]),
    ),
    'usr/share/bash-completion/completions/lunkeeper': bashCompletion(words),
    'usr/share/zsh/vendor-completions/_lunkeeper': zshCompletion(words),
    'usr/share/fish/vendor_completions.d/lunkeeper.fish': fishCompletion(words),
    'etc/lunkeeper/config.yaml': configSample(),
    'usr/share/doc/lunkeeper/changelog.gz': packed(await own('CHANGELOG.md')),
    'usr/share/doc/lunkeeper/copyright': `${COPYRIGHT}\n${licences}`,
    'usr/share/doc/lunkeeper/lunkeeper.cdx.json': sbom,
    'usr/share/doc/lunkeeper/README.md': await own('README.md'),
    ...Object.fromEntries(
      await Promise.all(docs.map(async (path) => [`usr/share/doc/lunkeeper/${path}`, await own(path)])),
    ),
  }
}

const COPYRIGHT = `Lunkeeper: under the Apache License, version 2.0, which is in
/usr/share/common-licenses/Apache-2.0. What it contains, and under which licences:
`

/** Without a time in it: RFC 1952, MTIME 0. */
const packed = (text: string): Buffer => gzipSync(text, { level: 9 })

const control = (version: string, architecture: Architecture, kib: number): string => `Package: lunkeeper
Version: ${version}
Architecture: ${architecture}
Maintainer: The Lunkeeper authors <lunkeeper@localhost>
Installed-Size: ${kib}
Section: admin
Priority: optional
${RELATIONS}
Description: iSCSI volumes that outlive an outage of their target
 Attaches iSCSI volumes to this node, keeps them read-write while their target
 is away, and detaches them leaving nothing behind. Brings the Node.js that it
 runs on, in one file.
`

async function filesOf(tree: string): Promise<string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
}

/** deb-md5sums(5): for `dpkg --verify`. */
async function checksums(tree: string, files: readonly string[]): Promise<string> {
  const lines = files
    .filter((file) => !file.startsWith('etc/'))
    .map(async (file) => `${await digestOf(join(tree, file), 'md5')}  ${file}\n`)
  return (await Promise.all(lines)).join('')
}

/** In KiB, each file rounded up: deb-substvars(5), Installed-Size. */
async function sizeOf(tree: string, files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(tree, file))).size))
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
}
