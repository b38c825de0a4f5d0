import type { NodeCheck, VolumeCheck } from './check.ts'
import { anotherMachine } from './checks/another-machine.ts'
import { owner } from './checks/owner.ts'
import { agentMissing } from './checks/agent-missing.ts'
import { bareDirectory } from './checks/bare-directory.ts'
import { fsBroken } from './checks/fs-broken.ts'
import { heldBeside } from './checks/held-beside.ts'
import { holdShort } from './checks/hold-short.ts'
import { holding } from './checks/holding.ts'
import { hungTaskPanicSet } from './checks/hung-task-panic.ts'
import { interrupted } from './checks/interrupted.ts'
import { iscsidDown } from './checks/iscsid-down.ts'
import { limitRaised } from './checks/limit-raised.ts'
import { mapUnowned } from './checks/map-unowned.ts'
import { phantoms } from './checks/phantoms.ts'
import { recordCorrupt } from './checks/record-corrupt.ts'
import { sessionDown } from './checks/session-down.ts'
import { volumeFailed } from './checks/volume-failed.ts'
import { autoScan } from './checks/auto-scan.ts'
import { clockStepped } from './checks/clock-stepped.ts'
import { directoryLeft } from './checks/directory-left.ts'
import { directoryUnwritable } from './checks/directory-unwritable.ts'
import { duplicateIdentity } from './checks/duplicate-identity.ts'
import { flushDisabled } from './checks/flush-disabled.ts'
import { initiatorShared } from './checks/initiator-shared.ts'
import { missing } from './checks/missing.ts'
import { multipathTakes } from './checks/multipath-takes.ts'
import { onePortal } from './checks/one-portal.ts'
import { openIscsi } from './checks/open-iscsi.ts'
import { recordStale } from './checks/record-stale.ts'
import { secrets } from './checks/secrets.ts'
import { sessionUnused } from './checks/session-unused.ts'
import { staleSize } from './checks/stale-size.ts'
import { timersOrder } from './checks/timers-order.ts'
import { wrongVolume } from './checks/wrong-volume.ts'

export const VOLUME_CHECKS: readonly VolumeCheck[] = [
  anotherMachine,
  owner,
  wrongVolume,
  holding,
  volumeFailed,
  fsBroken,
  bareDirectory,
  sessionDown,
  holdShort,
  interrupted,
  staleSize,
  initiatorShared,
  onePortal,
  timersOrder,
  flushDisabled,
]

export const NODE_CHECKS: readonly NodeCheck[] = [
  directoryUnwritable,
  recordCorrupt,
  iscsidDown,
  agentMissing,
  heldBeside,
  mapUnowned,
  phantoms,
  hungTaskPanicSet,
  limitRaised,
  duplicateIdentity,
  sessionUnused,
  autoScan,
  openIscsi,
  missing,
  secrets,
  multipathTakes,
  directoryLeft,
  recordStale,
  clockStepped,
]
