import { spawn } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { LabError } from '../error.ts'
import { program } from './program.ts'

/** Files that a lab machine never reads: a third of the files of a minimal Debian. */
const left = [
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/info',
  './usr/share/i18n',
  './usr/share/lintian',
]

/** Unpacks packages over each other into `root`, without root privileges and without running any of their scripts. */
export async function unpack(
  archives: readonly string[],
  root: string,
  without: readonly string[] = left,
): Promise<void> {
  // merged /usr (the only layout since Debian 12): created first, so that tar follows the links
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true })
    await symlink(`usr/${name}`, join(root, name))
  }
  const queue = [...archives]
  const worker = async (): Promise<void> => {
    for (let archive = queue.shift(); archive !== undefined; archive = queue.shift())
      await unpackOne(archive, root, without)
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker))
  // The set-uid bit of mount(8) and su(1) would turn the guest's root into the file's owner. hostfs checks
  // permissions on the host, as that owner, so every directory must be readable by the user who unpacked it.
  await program(['find', root, '-perm', '/6000', '-not', '-type', 'l', '-exec', 'chmod', 'ug-s', '{}', '+'])
  await program(['chmod', '-R', 'u+rwX', root])
}

function unpackOne(archive: string, root: string, without: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const deb = spawn('dpkg-deb', ['--fsys-tarfile', archive], { stdio: ['ignore', 'pipe', 'pipe'] })
    const tar = spawn(
      'tar',
      [
        '-xf',
        '-',
        '-C',
        root,
        '--keep-directory-symlink',
        '--no-same-owner',
        ...without.map((path) => `--exclude=${path}`),
      ],
      {
        stdio: [deb.stdout, 'ignore', 'pipe'],
      },
    )
    // tar has the pipe now; our end would keep it from ending
    deb.stdout.destroy()
    let words = ''
    let failed = false
    let open = 2
    const done = (name: string) => (code: number | null) => {
      failed ||= code !== 0
      if (code !== 0) words = `${name}: ${words}`
      open -= 1
      if (open > 0) return
      if (failed) reject(new LabError(`could not unpack ${archive}: ${words.trim()}`))
      else resolve()
    }
    for (const [name, child] of [
      ['dpkg-deb', deb],
      ['tar', tar],
    ] as const) {
      child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
      child.once('error', () =>
        reject(new LabError(`the lab needs the program ${name}, which is not installed`)),
      )
      child.once('close', done(name))
    }
  })
}
