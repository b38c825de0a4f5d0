import type { Host } from '../host/host.ts'
import { openHost as openEngine } from '../host/host.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { HoldMode } from '../model/hold.ts'
import { parseHold } from '../model/hold.ts'
import { checkOptions } from './options.ts'
import { oneOfModes } from './volume-request.ts'

/** Options of {@link openHost}. */
export interface HostOptions {
  /**
   * Directory of the attachment records; it must survive a reboot.
   *
   * @default '/var/lib/lunkeeper'
   */
  readonly records?: string | undefined
  /**
   * Directory of locks, sockets and session notes, which must not survive a reboot. All programs of a node must use the
   * same one: the locks in it keep their operations apart.
   *
   * @default '/run/lunkeeper'
   */
  readonly runtime?: string | undefined
  /**
   * In a privileged container: where the root directory of the host is mounted. Programs are then run in the namespaces
   * of the host.
   *
   * @default '/'
   */
  readonly hostRoot?: string | undefined
  /**
   * Hold of volumes whose `attach` does not set one, like {@link VolumeOptions.hold}.
   *
   * @default '10m'
   */
  readonly hold?: number | string | undefined
  /**
   * What holds the I/O of volumes whose `attach` does not set it, like {@link VolumeOptions.holdMode}.
   *
   * @default 'auto'
   */
  readonly holdMode?: HoldMode | 'auto' | undefined
}

/**
 * Opens this machine for several operations. Nothing is read or changed yet. The host owns the worker processes that
 * make blocking system calls; `await using`, or `host[Symbol.asyncDispose]()`, ends them. Operations may run
 * concurrently on one host. An operation without a host opens one with the defaults, and closes it when it ends.
 *
 * The library reads neither the configuration file of the command line nor its environment variables.
 *
 * @throws BAD_REQUEST an option does not exist, or has a value of another type
 * @throws BAD_HOLD the hold is not a valid duration
 */
export function openHost(options: HostOptions = {}): Host {
  checkOptions('openHost', options, {
    records: 'string',
    runtime: 'string',
    hostRoot: 'string',
    hold: ['string', 'number'],
    holdMode: 'string',
  })
  const { records, runtime, hostRoot, hold } = options
  for (const [name, directory] of Object.entries({ records, runtime, hostRoot }))
    if (directory !== undefined && !directory.startsWith('/'))
      throw new LunkeeperError('BAD_REQUEST', `openHost: ${name} is not an absolute path: "${directory}"`)
  const mode = oneOfModes('openHost', options.holdMode)
  return openEngine({
    places: { ...(records === undefined ? {} : { records }), ...(runtime === undefined ? {} : { runtime }) },
    ...(hostRoot === undefined || hostRoot === '/' ? {} : { hostRoot }),
    hold: { ...(hold === undefined ? {} : { wanted: parseHold(String(hold)) }), ...(mode ? { mode } : {}) },
  })
}

/** The arguments of an operation, which may begin with a host. */
export type HostFirst<Arguments extends readonly unknown[]> =
  | Arguments
  | readonly [host: Host, ...rest: Arguments]

/** Runs an operation on the given host, or on one that is opened for it and closed when it ends. */
export async function onHost<Arguments extends readonly unknown[], Result>(
  all: HostFirst<Arguments>,
  work: (host: Host, ...rest: Arguments) => Promise<Result>,
): Promise<Result> {
  const [first, ...rest] = all
  if (isHost(first)) return work(first, ...(rest as unknown as Arguments))
  await using host = openEngine()
  return await work(host, ...(all as Arguments))
}

function isHost(value: unknown): value is Host {
  return typeof value === 'object' && value !== null && 'workers' in value && 'places' in value
}
