import { join } from 'node:path'

import type { Publication } from '../model/attachment.ts'
import type { Actor } from '../model/history.ts'
import type { Hold, HoldMode } from '../model/hold.ts'
import { DEFAULT_HOLD } from '../model/hold.ts'
import type { SettledRequest } from '../model/request.ts'
import type { RunResult, RunOptions } from './exec/run.ts'
import { runOnHost } from './exec/on-host.ts'
import { run } from './exec/run.ts'
import { StandbyShells } from './exec/standby.ts'
import type { Program } from './exec/programs.ts'
import { WorkerPool } from './worker/worker-pool.ts'
import type { HostPaths } from './paths.ts'
import { hostPaths, pathsFromContainer } from './paths.ts'
import { EventLog } from './store/event-log.ts'

/** Where Lunkeeper keeps its own files. */
export interface Places {
  /** The directory of attachment records, which survive a reboot. */
  readonly records: string
  /** The directory of locks, sockets and session notes, which end with the boot, as the sessions do. */
  readonly runtime: string
}

/** Where Lunkeeper keeps its own files by default. */
export const PLACES: Places = { records: '/var/lib/lunkeeper', runtime: '/run/lunkeeper' }

/** A machine, with everything that is needed to read and change its state. */
export interface Host extends AsyncDisposable {
  /** @internal */
  readonly paths: HostPaths
  /** Where Lunkeeper keeps its own files. */
  readonly places: Places
  /** @internal */
  readonly workers: WorkerPool
  /** @internal For programs that are urgent (`RunOptions`). */
  readonly standby: StandbyShells
  /** The hold of volumes whose request does not set one. */
  readonly hold: { readonly wanted: Hold; readonly mode: HoldMode | 'auto' }
  /**
   * @internal
   * Sources besides the target that report whether this node still has a volume. Set by a process that can ask
   * them.
   */
  readonly witnesses: {
    /** @returns `gone` if the VolumeAttachment was deleted, is being deleted, or was replaced by one with the same name */
    kubernetes: ((publication: Publication) => Promise<'mine' | 'gone' | 'unreachable'>) | null
    /**
     * When the Kubernetes API last answered after a time in which it was slow or did not answer, by the monotonic
     * clock; null: never.
     */
    backMs: number | null
    /** Called when that happens. */
    onBack: (() => void) | null
  }
  /** @internal The history of the volumes (state/records/history.ts). */
  readonly history: EventLog
  /** @internal On whose behalf operations on this host are performed; recorded in the history. */
  readonly actor: Actor
  /** @internal */
  run(program: Program, args: readonly string[], options: RunOptions): Promise<RunResult>
}

export interface HostSettings {
  readonly paths?: HostPaths
  /** In a container: where the host's root directory is mounted. The host's own programs are then run, on the host. */
  readonly hostRoot?: string
  readonly places?: Partial<Places>
  readonly hold?: Partial<SettledRequest['hold']>
  /** On whose behalf operations are performed. @default a program that uses the library */
  readonly actor?: Actor
}

/** How long closing a host waits for the last events to reach the disk; after that they are lost. */
const HISTORY_DEADLINE_MS = 2_000

export function openHost(options: HostSettings = {}): Host {
  const workers = new WorkerPool()
  const standby = new StandbyShells()
  const { hostRoot } = options
  const places = { ...PLACES, ...options.places }
  const history = new EventLog(join(places.records, 'history'))
  return {
    paths: options.paths ?? (hostRoot === undefined ? hostPaths() : pathsFromContainer(hostRoot)),
    places,
    history,
    actor: options.actor ?? { via: 'library', command: null, user: null },
    workers,
    standby,
    witnesses: { kubernetes: null, backMs: null, onBack: null },
    hold: { wanted: DEFAULT_HOLD, mode: 'auto', ...options.hold },
    run:
      hostRoot === undefined
        ? (program, args, settings) => run(program, args, settings, standby)
        : runOnHost(hostRoot, standby),
    async [Symbol.asyncDispose]() {
      await history.settle(HISTORY_DEADLINE_MS)
      workers.close()
      standby.close()
    },
  }
}

/** The path of a device node, such as sdb, sg3 or dm-0. */
export function deviceNode(host: Host, name: string): string {
  return join(host.paths.dev, name)
}
