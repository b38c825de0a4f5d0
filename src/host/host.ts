import { join } from 'node:path'

import type { Publication } from '../model/attachment.ts'
import type { Actor } from '../model/history.ts'
import type { Hold, HoldMode } from '../model/hold.ts'
import { DEFAULT_HOLD } from '../model/hold.ts'
import type { SettledRequest } from '../model/request.ts'
import type { RunResult, RunOptions } from './exec/run.ts'
import { runOnHost } from './exec/on-host.ts'
import { run } from './exec/run.ts'
import type { Program } from './exec/programs.ts'
import { WorkerPool } from './worker/worker-pool.ts'
import type { HostPaths } from './paths.ts'
import { hostPaths, pathsFromContainer } from './paths.ts'
import { EventLog } from './store/event-log.ts'

/** Where Lunkeeper keeps its own files. */
export interface Places {
  /** Attachment records; they survive a reboot. */
  readonly records: string
  /** Locks, sockets and session notes: gone with the boot, like the sessions. */
  readonly runtime: string
}

/** Where Lunkeeper keeps its own files by default. */
export const PLACES: Places = { records: '/var/lib/lunkeeper', runtime: '/run/lunkeeper' }

/** One machine, and everything that is needed to read and change its state. */
export interface Host extends AsyncDisposable {
  /** @internal */
  readonly paths: HostPaths
  /** Where Lunkeeper keeps its own files. */
  readonly places: Places
  /** @internal */
  readonly workers: WorkerPool
  /** Hold of volumes whose request does not set one. */
  readonly hold: { readonly wanted: Hold; readonly mode: HoldMode | 'auto' }
  /**
   * @internal
   * Who can be asked whether this node still has a volume, besides the target; set by a process that can.
   */
  readonly witnesses: {
    /** @returns `gone` where the VolumeAttachment is deleted, is being deleted, or is another one of that name */
    kubernetes: ((publication: Publication) => Promise<'mine' | 'gone' | 'unreachable'>) | null
  }
  /** @internal What happened to the volumes (state/records/history.ts). */
  readonly history: EventLog
  /** @internal For whom operations on this host are done, as the history tells. */
  readonly actor: Actor
  /** @internal */
  run(program: Program, args: readonly string[], options: RunOptions): Promise<RunResult>
}

export interface HostOptions {
  readonly paths?: HostPaths
  /** In a container: where the host's root directory is mounted. Programs then are the host's, and run there. */
  readonly hostRoot?: string
  readonly places?: Partial<Places>
  readonly hold?: Partial<SettledRequest['hold']>
  /** @default a program that uses the library */
  readonly actor?: Actor
}

/** When a host is closed, how long its last events may take to reach the disk. They are lost rather than waited for. */
const HISTORY_DEADLINE_MS = 2_000

export function openHost(options: HostOptions = {}): Host {
  const workers = new WorkerPool()
  const { hostRoot } = options
  const places = { ...PLACES, ...options.places }
  const history = new EventLog(join(places.records, 'history'))
  return {
    paths: options.paths ?? (hostRoot === undefined ? hostPaths() : pathsFromContainer(hostRoot)),
    places,
    history,
    actor: options.actor ?? { via: 'library', command: null, user: null },
    workers,
    witnesses: { kubernetes: null },
    hold: { wanted: DEFAULT_HOLD, mode: 'auto', ...options.hold },
    run: hostRoot === undefined ? run : runOnHost(hostRoot),
    async [Symbol.asyncDispose]() {
      await history.settle(HISTORY_DEADLINE_MS)
      workers.close()
    },
  }
}

/** The node of a block device under /dev: sdb, sg3, dm-0. */
export function deviceNode(host: Host, name: string): string {
  return join(host.paths.dev, name)
}
