import type { Lab, LabNode, Target } from '../../index.ts'
import type { SideName } from '../volumes.ts'
import { SAN, serve, setPing } from '../volumes.ts'
import type { SplitPlan } from './plan.ts'

const ADDRESS = { a: '10.9.0.2', b: '10.9.0.3' } as const

/** The machines of a split: a storage machine, the node that loses the volumes, and the node that gets them. */
export interface Scene {
  readonly san: LabNode
  readonly a: LabNode
  readonly b: LabNode
  readonly targets: Readonly<Record<SideName, Target>>
}

export async function setScene(lab: Lab, { debian, ping }: SplitPlan): Promise<Scene> {
  const [san, a, b] = await Promise.all([
    // Both volumes are in this machine's memory.
    lab.boot({ debian, name: 'san', memory: 1280, address: SAN, iscsid: false, udev: false }),
    lab.boot({ debian, name: 'node-a', memory: 640, address: ADDRESS.a }),
    lab.boot({ debian, name: 'node-b', memory: 640, address: ADDRESS.b }),
  ])
  const targets = await serve(san, SAN)
  for (const node of [a, b]) await setPing(node, ping)
  return { san, a, b, targets }
}

export const fileOf = ({ targets }: Scene, side: SideName): string => targets[side].luns[0]!.file
