/**
 * Lunkeeper as a library: the engine behind the command line, the agent and the CSI driver.
 *
 * ```ts
 * import { attach, detach, openHost, parseIqn, parseLun, parsePortal } from 'lunkeeper'
 *
 * await using host = openHost()
 * const volume = await attach(host, request)
 * await detach(host, volume.name)
 * ```
 */
export { openHost, PLACES } from './host/host.ts'
export type { Host, HostOptions, Places } from './host/host.ts'
export { hostPaths } from './host/paths.ts'
export type { HostPaths } from './host/paths.ts'
export { readSnapshot } from './host/read/snapshot.ts'
export type * from './model/attachment.ts'
export { ERRORS, isLunkeeperError, LunkeeperError } from './model/errors.ts'
export type { ErrorCode, ExitStatus } from './model/errors.ts'
export { DEFAULT_HOLD, parseHold } from './model/hold.ts'
export type { Hold, HoldMode } from './model/hold.ts'
export type { Identity } from './model/identity.ts'
export { parseIqn } from './model/iqn.ts'
export type { Iqn } from './model/iqn.ts'
export { parseLun } from './model/lun.ts'
export type { Lun } from './model/lun.ts'
export { parseName } from './model/name.ts'
export type { VolumeName } from './model/name.ts'
export { formatPortal, parsePortal } from './model/portal.ts'
export type { Portal } from './model/portal.ts'
export type { FileSystem, VolumeRequest, VolumeUse } from './model/request.ts'
export { parseChap, Secret } from './model/secret.ts'
export type { Chap } from './model/secret.ts'
export type * from './model/snapshot.ts'
export { parseWwid } from './model/wwid.ts'
export type { Wwid } from './model/wwid.ts'
export { attach } from './volumes/attach/attach.ts'
export type { AttachOptions } from './volumes/attach/attach.ts'
export { detach } from './volumes/detach/detach.ts'
export type { DetachOptions } from './volumes/detach/detach.ts'
export { expand } from './volumes/expand.ts'
export type { ExpandReport } from './volumes/expand.ts'
export { listVolumes, oneVolume } from './state/view/list.ts'
export { listSessions } from './state/view/sessions.ts'
export { STEPS } from './volumes/step.ts'
export type { Observer, StepName } from './volumes/step.ts'
