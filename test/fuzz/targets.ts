import type { Target } from './target.ts'
import * as csiRequests from './targets/csi-requests.ts'
import * as httpRequests from './targets/http-requests.ts'
import * as iscsiTarget from './targets/iscsi-target.ts'
import * as logs from './targets/logs.ts'
import * as manifests from './targets/manifests.ts'
import * as openIscsi from './targets/open-iscsi.ts'
import * as programs from './targets/programs.ts'
import * as records from './targets/records.ts'
import * as scsi from './targets/scsi.ts'

/** Modules of the folder, each of whose exports is a target. */
const MODULES: Readonly<Record<string, Readonly<Record<string, Target>>>> = {
  logs,
  manifests,
  records,
  'open-iscsi': openIscsi,
  scsi,
  'iscsi-target': iscsiTarget,
  programs,
  'csi-requests': csiRequests,
  'http-requests': httpRequests,
}

/** A target, and where it is exported. */
export interface Placed {
  readonly target: Target
  readonly module: string
  readonly exported: string
}

/** Every parser of text or bytes from outside. */
export const TARGETS: readonly Placed[] = Object.entries(MODULES).flatMap(([module, targets]) =>
  Object.entries(targets).map(([exported, target]) => ({ target, module, exported })),
)
