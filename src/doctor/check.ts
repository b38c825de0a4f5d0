import type { Finding } from './finding.ts'
import type { Patient, Scene } from './scene.ts'

type Found = readonly Finding[] | Promise<readonly Finding[]>

/** How one finding is seen. What it throws becomes a finding of its own. */
export interface NodeCheck {
  readonly name: string
  node(scene: Scene): Found
}

/** Asked for each volume by itself, so that one that cannot be looked at hides no other. */
export interface VolumeCheck {
  readonly name: string
  volume(scene: Scene, patient: Patient): Found
}
