import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import type { ErrorCode } from '../../model/errors.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { RunOptions, RunResult } from '../exec/run.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { asOnHost } from '../paths.ts'
import { createDurable } from '../store/durable.ts'
import { whenLoggedIn } from './logged-in.ts'
import { offersTarget } from './offers.ts'
import type { NodeRecord } from './node-record.ts'
import { overlayNodeRecord } from './node-record.ts'
import { repeatOnDatabaseError } from './record-race.ts'
import type { LoginSettings } from './record-text.ts'

/**
 * One login_timeout (15 s; record-text.ts), which iscsid applies to whole attempts, and time to start and answer. iscsiadm
 * itself waits for iscsid without a limit (usr/iscsid_req.c).
 */
const DEADLINE_MS = 35_000

// open-iscsi include/iscsi_err.h. 15: the session exists, because another login was faster.
const OK = new Set([0, 15])
const ERROR_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  4: 'PORTAL_UNREACHABLE',
  6: 'DATABASE_FAILED',
  8: 'PORTAL_SILENT',
  11: 'PORTAL_SILENT',
  12: 'MODULE_MISSING',
  13: 'NO_PERMISSION',
  18: 'ISCSID_DOWN',
  19: 'TARGET_NOT_FOUND',
  20: 'ISCSID_DOWN',
  21: 'DATABASE_FAILED',
  24: 'CHAP_FAILED',
}

/**
 * Logs in to one portal. A record of another program is not changed: iscsiadm runs in a private mount namespace in which
 * a copy with our settings is mounted over the record.
 * @throws CHAP_FAILED TARGET_NOT_FOUND PORTAL_… ISCSID_DOWN LOGIN_FAILED TIMEOUT …
 */
export async function login(
  host: Host,
  iqn: Iqn,
  portal: Portal,
  record: NodeRecord,
  settings: LoginSettings,
  signal?: AbortSignal,
): Promise<void> {
  const args = [
    '-m',
    'node',
    '-T',
    iqn,
    '-p',
    formatPortal(portal),
    ...(record.iface ? ['-I', record.iface] : []),
    '-l',
  ]
  const up = whenLoggedIn(host, iqn, portal)
  const stopped = signal ? AbortSignal.any([signal, up.signal]) : up.signal
  const options = { deadline: DEADLINE_MS, signal: stopped, urgent: true }
  try {
    const ran = await repeatOnDatabaseError(() => runLogin(host, record, settings, args, options))
    if (ran.code === null || !OK.has(ran.code)) throw await loginError(host, iqn, portal, settings, ran)
  } catch (error) {
    // The session is logged in, but iscsid has not told iscsiadm. Killing iscsiadm does not end the session.
    if (!up.signal.aborted || !isLunkeeperError(error, 'CANCELLED')) throw error
  } finally {
    up.stop()
  }
}

async function runLogin(
  host: Host,
  record: NodeRecord,
  settings: LoginSettings,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  if (record.ours) return host.run('iscsiadm', args, options)
  const path = asOnHost(host.paths, record.path)
  return withOverlay(host, record, settings, (overlay) => {
    const bound = ['sh', '-c', BIND, 'sh', overlay, path, ...args]
    return host.run('unshare', ['--mount', '--propagation', 'private', ...bound], options)
  })
}

const BIND = 'mount --bind -- "$1" "$2" && shift 2 && exec iscsiadm "$@"'

async function withOverlay<T>(
  host: Host,
  record: NodeRecord,
  settings: LoginSettings,
  work: (overlay: string) => Promise<T>,
): Promise<T> {
  const dir = join(host.places.runtime, 'overlays')
  // One file for each login: the agent runs several at once, and each file has the secret of its own portal.
  const overlay = join(dir, randomUUID())
  try {
    createDurable(overlay, overlayNodeRecord(record.path, settings))
    return await work(overlay)
  } finally {
    rmSync(overlay, { force: true })
  }
}

async function loginError(
  host: Host,
  iqn: Iqn,
  portal: Portal,
  settings: LoginSettings,
  ran: RunResult,
): Promise<LunkeeperError> {
  const where = formatPortal(portal)
  const details = { portal: where, iqn, iscsiadm: ran.code ?? ran.signal }
  const code = errorCodeOf(ran)
  // After "no such target" iscsid waits for the target to appear, and finally reports a connection timeout (usr/login.c).
  // The portal's list of targets shows the real reason.
  if (code === 'PORTAL_SILENT' && (await offersTarget(host, portal, iqn)) === false)
    return new LunkeeperError('TARGET_NOT_FOUND', `${where} does not offer ${iqn} to this node`, { details })
  // iscsid reports the same status if it rejected the target itself: with CHAP configured, a target that gave a wrong
  // answer, or did not ask for CHAP (usr/login.c, usr/auth.c).
  if (ran.code === 19 && settings.chap && (await offersTarget(host, portal, iqn)) !== false)
    return new LunkeeperError(
      'CHAP_FAILED',
      `${where} ${iqn}: the target did not authenticate itself as required, or does not use CHAP`,
      { details },
    )
  return new LunkeeperError(code, `${where} ${iqn}: the login failed: ${failureReason(ran)}`, { details })
}

function errorCodeOf(ran: RunResult): ErrorCode {
  // If iscsid is not running and cannot be started, SIGPIPE ends iscsiadm (seen with 2.1.8 and 2.1.11).
  if (ran.signal === 'SIGPIPE') return 'ISCSID_DOWN'
  return ERROR_OF_STATUS[ran.code ?? -1] ?? 'LOGIN_FAILED'
}
