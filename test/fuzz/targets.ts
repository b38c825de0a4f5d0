import type { Target } from './target.ts'
import { csiRequests } from './targets/csi-requests.ts'
import { httpRequests } from './targets/http-requests.ts'
import { iscsiTarget } from './targets/iscsi-target.ts'
import { logs } from './targets/logs.ts'
import { manifests } from './targets/manifests.ts'
import { chapFile, iscsidConf, nodeRecords } from './targets/open-iscsi.ts'
import { devicePrograms, dmsetup, kernelEvents, mountinfo, multipathd } from './targets/programs.ts'
import { fieldFiles, oldDriver, records } from './targets/records.ts'
import { ext4, reservations, vpd } from './targets/scsi.ts'

/** Every parser that meets text or bytes which others have made. */
export const TARGETS: readonly Target[] = [
  logs,
  manifests,
  records,
  oldDriver,
  fieldFiles,
  nodeRecords,
  iscsidConf,
  chapFile,
  vpd,
  reservations,
  ext4,
  iscsiTarget,
  dmsetup,
  multipathd,
  devicePrograms,
  mountinfo,
  kernelEvents,
  csiRequests,
  httpRequests,
]
