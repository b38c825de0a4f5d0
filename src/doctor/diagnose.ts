import type { Host } from '../host/host.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { statusOf } from '../state/view/status.ts'
import type { VolumeCheck } from './check.ts'
import { anotherMachine } from './checks/another-machine.ts'
import { NODE_CHECKS, VOLUME_CHECKS } from './checks.ts'
import type { Finding } from './finding.ts'
import { bySeverity } from './finding.ts'
import type { Scene } from './scene.ts'
import { readScene } from './scene.ts'

/** Longer than the longest call that a check makes (an INQUIRY, a dmsetup: 20 s). */
const DEADLINE_MS = 25_000

/** All findings of this node. Changes nothing. @throws NO_PERMISSION */
export async function diagnose(host: Host): Promise<Finding[]> {
  const scene = await readScene(host)
  const ofVolumes = scene.records.map((record) => diagnoseVolume(scene, record))
  const ofNode = NODE_CHECKS.map((check) => guarded(check.name, 'this node', async () => check.node(scene)))
  return bySeverity((await Promise.all([...ofVolumes, ...ofNode])).flat())
}

/** All checks need the state. Each check has its own deadline, so that a late check is named. */
async function diagnoseVolume(scene: Scene, record: Attachment): Promise<readonly Finding[]> {
  const known: { status?: VolumeStatus } = {}
  const unknown = await guarded(
    'the state',
    record.name,
    async () => {
      known.status = await statusOf(scene.host, record)
      return []
    },
    DEADLINE_MS,
  )
  const { status } = known
  if (!status) return unknown
  const patient = { record, status }
  const found = await Promise.all(
    checksOf(scene.host, record).map((check) =>
      guarded(check.name, record.name, async () => check.volume(scene, patient)),
    ),
  )
  return found.flat()
}

/** If the record belongs to another machine, no other check applies to the volume. */
function checksOf(host: Host, record: Attachment): readonly VolumeCheck[] {
  return isOfAnotherMachine(host, record) ? [anotherMachine] : VOLUME_CHECKS
}

/** Turns an error or timeout of a check into a finding, so that it does not hide others. */
export async function guarded(
  check: string,
  subject: string,
  work: () => Promise<readonly Finding[]>,
  deadline = 2 * DEADLINE_MS,
): Promise<readonly Finding[]> {
  try {
    return await bounded(work(), deadline)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return [
      {
        code: 'CHECK_FAILED',
        severity: 'warning',
        subject,
        message: `${check} could not be checked: ${said}`,
        evidence: { check, error: isLunkeeperError(error) ? error.code : null, said },
        fix: isLunkeeperError(error) ? error.hint : null,
      },
    ]
  }
}

async function bounded<T>(work: Promise<T>, deadline: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new LunkeeperError('STUCK', `no answer within ${deadline / 1000} s`)),
    deadline,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
