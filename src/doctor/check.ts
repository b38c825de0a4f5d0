import type { Finding } from './finding.ts'
import type { Patient, Scene } from './scene.ts'

type Found = readonly Finding[] | Promise<readonly Finding[]>

/** How one kind of finding is detected. An error thrown here becomes a separate finding. */
export interface NodeCheck {
  readonly name: string
  node(scene: Scene): Found
}

/** Called for each volume separately, so that a volume that cannot be checked does not hide others. */
export interface VolumeCheck {
  readonly name: string
  volume(scene: Scene, patient: Patient): Found
}
