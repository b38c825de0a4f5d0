import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { prepareRoot } from '../../../lab/debian/root.ts'
import { temporary } from '../../unit/temporary.ts'

/** A command line for sh(1), and how it ended. */
export interface Ran {
  readonly script: string
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A Debian without the checkout, Node, network or sysfs: the lab's own, with a layer over it that keeps changes. It
 * uses only namespaces: any user is root in there.
 */
export class CleanRoot {
  readonly #base: string
  readonly #upper: string
  readonly #places: readonly string[]

  private constructor(base: string, upper: string, places: readonly string[]) {
    this.#base = base
    this.#upper = upper
    this.#places = places
  }

  static async open(): Promise<CleanRoot> {
    const { dir } = await prepareRoot('bookworm')
    const at = temporary()
    const places = ['upper', 'work', 'root'].map((name) => join(at, name))
    for (const place of places) await mkdir(place)
    return new CleanRoot(dir, places[0]!, places)
  }

  /** Writes a file there, before or between commands. */
  async write(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
    const file = join(this.#upper, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content, { mode })
  }

  /**
   * Runs command lines, two at a time, each separately but in one place: `/root`.
   * @param shared what is visible of this machine in there: file or directory -> where
   */
  async runAll(
    scripts: readonly string[],
    shared: Readonly<Record<string, string>> = {},
  ): Promise<readonly Ran[]> {
    for (const [index, script] of scripts.entries()) await this.write(`lab/run/${index}.sh`, `${script}\n`)
    const [upper = '', work = '', root = ''] = this.#places
    const argv = [
      '--mount',
      '--net',
      '--pid',
      '--fork',
      ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
      'sh',
      '-ec',
      SETUP,
      'sh',
      String(scripts.length),
      ...Object.entries(shared).flat(),
    ]
    const child = spawn('unshare', argv, {
      env: { PATH: process.env['PATH'], BASE: this.#base, UPPER: upper, WORK: work, ROOT: root },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let words = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code !== 0) throw new Error(`no clean root: ${words}`)
    const read = (index: number, what: string) => readFile(join(upper, `lab/run/${index}.${what}`), 'utf8')
    return await Promise.all(
      scripts.map(async (script, index) => ({
        script,
        status: Number(await read(index, 'status')),
        stdout: await read(index, 'out'),
        stderr: await read(index, 'err'),
      })),
    )
  }

  async run(script: string, shared: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const [ran] = await this.runAll([script], shared)
    return ran!
  }
}

/** How long a command may take, in seconds; a service ends by then, because it is told to. */
const LIMIT = 40

const SETUP = `
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$UPPER,workdir=$WORK" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs tmpfs "$ROOT/dev"
for device in null full zero random urandom; do touch "$ROOT/dev/$device"; mount --bind "/dev/$device" "$ROOT/dev/$device"; done
ln -s /proc/self/fd "$ROOT/dev/fd"
count=$1
shift
while [ $# -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p "$ROOT$2"; else mkdir -p "$ROOT\${2%/*}"; touch "$ROOT$2"; fi
  mount --bind "$1" "$ROOT$2"
  shift 2
done
seq 0 $((count - 1)) | chroot "$ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root \\
  xargs -P 2 -I N sh -c 'cd /root; timeout ${LIMIT} bash /lab/run/N.sh </dev/null >/lab/run/N.out 2>/lab/run/N.err; echo $? >/lab/run/N.status'
`
