import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import type { Root } from '../debian/root.ts'

export interface Kernel {
  /** of the process and of its group: a kernel forks, and all its processes have this group */
  readonly pid: number
  readonly line: Duplex
  readonly console: Readable
  readonly exited: Promise<void>
}

export interface KernelOptions {
  root: Root
  name: string
  memory: number
  cpu: number
  /** directory with the links `root`, `guest`, `node`, `project`, `share`, `machine` */
  at: string
  /** the kernel's own management sockets */
  sockets: string
  /** where the memory file is */
  memoryDir: string
  network?: string | undefined
}

const unused = ['raid6_select_algo', 'register_xor_blocks', 'calibrate_xor_blocks', 'init_btrfs_fs']

/** Starts a user-mode Linux kernel as an ordinary process; its options are as in its `--help`. */
export function startKernel(options: KernelOptions): Kernel {
  const argv = [
    './linux',
    `mem=${options.memory}M`,
    'root=/dev/root',
    'rootfstype=hostfs',
    `rootflags=${join(options.at, 'root')}`,
    'ro',
    'init=/lab/init',
    `umid=${options.name}`,
    `uml_dir=${options.sockets}/`,
    // console: the kernel's log and init's messages; serial line: the agent
    'con=null',
    'con0=fd:0,fd:1',
    'ssl=null',
    'ssl0=fd:3',
    // a panic ends the process, and with it the machine
    'panic=1',
    'printk.time=1',
    // RAID and btrfs benchmark their checksums for 0.9 s of a boot that takes 2.6 s, and nothing here uses them
    `initcall_blacklist=${unused.join(',')}`,
    ...(options.network ? [`eth0=daemon,,unix,${options.network}`] : []),
    // parameters that the kernel does not know become the environment of its init
    `LAB_AT=${options.at}`,
  ]
  // One processor for each machine: its kernel and its processes take turns, and switching between two costs
  // 2.4-3.6 times as much.
  const pinned = existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', String(options.cpu)] : []
  const libraries = join(options.root.dir, 'usr/lib/x86_64-linux-gnu')
  const [file = '', ...args] = [...pinned, '/usr/bin/env', `LD_LIBRARY_PATH=${libraries}`, ...argv]
  const child = spawn(file, args, {
    cwd: options.root.boot,
    env: { PATH: '/usr/bin:/bin', TMPDIR: options.memoryDir, HOME: options.sockets },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
  child.stderr.resume()
  child.stdin.on('error', () => undefined)
  const line = child.stdio[3] as Duplex
  line.on('error', () => undefined)
  return {
    pid: child.pid!,
    line,
    console: child.stdout,
    exited: new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    }),
  }
}

/** Tests run side by side, each on one processor; LUNKEEPER_LAB_CPU selects another, if other programs run on this one. */
export function defaultCpu(): number {
  const named = process.env.LUNKEEPER_LAB_CPU
  if (named !== undefined) return Number(named)
  return (Number(process.env.VITEST_POOL_ID ?? 1) - 1) % availableParallelism()
}
