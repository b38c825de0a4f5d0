import { identify } from '../host/disk/identify.ts'
import type { Host } from '../host/host.ts'
import type { Identity } from '../model/identity.ts'
import type { ScsiDisk } from '../model/snapshot.ts'
import { isUp, lookAtVolume } from '../state/view/volume.ts'
import type { Patient } from './scene.ts'

/** What a disk of a volume answers now, or why it does not. */
export interface AskedDisk {
  readonly disk: ScsiDisk
  readonly answer: { readonly identity: Identity } | { readonly error: unknown }
}

const asked = new WeakMap<Patient, Promise<AskedDisk[]>>()

/** Asks every usable disk at the volume's LUN which volume it is: once for all checks. */
export function askDisks(host: Host, patient: Patient): Promise<readonly AskedDisk[]> {
  const known = asked.get(patient) ?? askAll(host, patient)
  asked.set(patient, known)
  return known
}

function askAll(host: Host, { record: { request, name } }: Patient): Promise<AskedDisk[]> {
  const up = lookAtVolume(host, { ...request, owner: name }).sessions.filter(isUp)
  return Promise.all(
    up
      .flatMap(({ disk }) => disk ?? [])
      .map(async (disk) => ({
        disk,
        answer: await identify(host, disk).then(
          (identity) => ({ identity }),
          (error: unknown) => ({ error }),
        ),
      })),
  )
}
