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
]

export const NODE_CHECKS: readonly NodeCheck[] = [
  recordCorrupt,
  iscsidDown,
  agentMissing,
  heldBeside,
  mapUnowned,
  phantoms,
  hungTaskPanicSet,
  limitRaised,
]
